// The client's side of TLS over another stream, by OpenSSL: 1.2 and newer, chain and host name verified, always. There
// is no way to switch that off. Thread: as net/stream.h.
#ifndef TORRENT_NET_TLS_STREAM_H_
#define TORRENT_NET_TLS_STREAM_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "net/stream.h"

struct ssl_st;
struct ssl_ctx_st;

namespace torrent {

class TlsStream final : public Stream {
 public:
  // Shakes hands over `transport` with a server that must prove that it is `host` (a name, or an address as text).
  // Trusts the system's authorities, or those that SSL_CERT_FILE and SSL_CERT_DIR name, and those of the PEM file
  // `ca_file` unless it is empty. A revocation list is honoured where one lies among the authorities. Offers HTTP/1.1
  // by ALPN. Blocks until `deadline` at most, or until `cancel_fd` (-1: none) becomes readable. PermissionDenied: the
  // certificate does not prove it, and nothing was sent beyond the handshake. Unavailable, DeadlineExceeded, Cancelled
  // as everywhere. On failure the transport is closed.
  static absl::StatusOr<std::unique_ptr<TlsStream>> Connect(std::unique_ptr<Stream> transport, absl::string_view host,
                                                            const std::string& ca_file, TimePoint deadline,
                                                            int cancel_fd);

  ~TlsStream() override;

  int fd() const override { return transport_->fd(); }
  short PollEvents(bool want_read, bool want_write) const override;
  bool HasBuffered() const override;
  void Shutdown() override { transport_->Shutdown(); }

 protected:
  // An end without the other side's goodbye (close_notify) is an error: anyone on the way could have cut it there.
  IoResult ReadSome(absl::Span<const iovec> buffers) override;
  IoResult WriteSome(absl::Span<const iovec> buffers, bool more) override;

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
    void operator()(ssl_ctx_st* context) const;
  };

  struct Bridge;

  TlsStream(std::unique_ptr<Stream> transport, absl::string_view host);
  absl::Status Prepare(const std::string& ca_file);
  absl::Status Handshake(TimePoint deadline, int cancel_fd);
  // Turns the answer `code` of an SSL_* call that did not succeed into a result; `waits_for` becomes the events to poll
  // for.
  IoResult Explain(int code, const char* verb, short* waits_for);

  const std::unique_ptr<Stream> transport_;
  const std::string host_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_st, Free> ssl_;
  absl::Status transport_error_;  // what OpenSSL cannot carry through
  bool transport_closed_ = false;
  bool usable_ = false;  // the handshake is done and nothing has failed since
  short read_waits_for_;
  short write_waits_for_;
};

}  // namespace torrent

#endif  // TORRENT_NET_TLS_STREAM_H_
