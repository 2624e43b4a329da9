// From a request's target to the bytes of the whole HTTP answer: cpp-httplib parses the arguments and writes the
// answer, and never sees a socket. Thread-safe.
#ifndef TORRENT_TRACKER_SERVER_HTTP_ANSWER_H_
#define TORRENT_TRACKER_SERVER_HTTP_ANSWER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "net/endpoint.h"
#include "tracker_server/announce_format.h"

namespace torrent {

class HttpAnswerer {
 public:
  // Answers a path with a body of text/plain; nothing for a path that is not served (404). Called from many threads.
  using Handler = std::function<absl::optional<std::string>(const std::string& path, const QueryArguments& arguments,
                                                            const Endpoint& remote)>;
  explicit HttpAnswerer(Handler handler);
  ~HttpAnswerer();

  // The answer to a GET of `target` (from RequestHead) that came from `remote`; it ends the connection.
  std::string Answer(absl::string_view target, const Endpoint& remote) const;
  // The answer to a request that was refused, with an HTTP status and no body.
  static std::string Refusal(int status);

 private:
  class Library;
  std::unique_ptr<Library> library_;
};

}  // namespace torrent

#endif  // TORRENT_TRACKER_SERVER_HTTP_ANSWER_H_
