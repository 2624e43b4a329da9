// One request and its answer over a connection that stands: the one place where cpp-httplib speaks. It writes and reads
// through a stream of ours, whose bytes a guard (http_guard.h) judges first, and never sees the socket. Thread: its
// caller's; blocks it.
#ifndef TORRENT_NET_HTTP_EXCHANGE_H_
#define TORRENT_NET_HTTP_EXCHANGE_H_

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "net/http.h"
#include "net/stream.h"

namespace torrent {

// Asks for `url` with `headers` (Host, User-Agent and Accept-Encoding among them where they are wanted) and waits for
// the whole answer, inflated. Only status, headers and body of the response are set. The stream is of no use
// afterwards. InvalidArgument: the answer breaks HTTP, or is longer than `max_body_bytes` before or after inflating.
// Unavailable, DeadlineExceeded, Cancelled.
absl::StatusOr<HttpResponse> HttpExchange(Stream* stream, const Url& url, const HttpHeaders& headers,
                                          size_t max_body_bytes, TimePoint deadline, int cancel_fd);

}  // namespace torrent

#endif  // TORRENT_NET_HTTP_EXCHANGE_H_
