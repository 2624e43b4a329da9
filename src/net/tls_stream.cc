#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "net/wait.h"

namespace torrent {

namespace {

// What to say when a certificate does not prove what it should.
std::string WhyUntrusted(const std::string& host, long verdict) {
  std::string why = absl::StrCat("TLS certificate of ", host, ": ", X509_verify_cert_error_string(verdict));
  if (verdict == X509_V_ERR_CERT_NOT_YET_VALID || verdict == X509_V_ERR_CERT_HAS_EXPIRED) {
    absl::StrAppend(&why, " (or this machine's clock is wrong)");
  }
  return why;
}

// The first entry of this thread's queue of OpenSSL errors; the queue is empty afterwards.
std::string TakeOpenSslError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason" : reason;
}

// Revocation lists are seldom there; where one is, it decides. Everything else stays as OpenSSL found it.
int AcceptMissingRevocationList(int ok, X509_STORE_CTX* context) {
  if (ok == 0 && X509_STORE_CTX_get_error(context) == X509_V_ERR_UNABLE_TO_GET_CRL) {
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
  }
  return ok;
}

}  // namespace

// OpenSSL's view of the transport. Not its own socket BIO: that one raises SIGPIPE and takes only sockets.
struct TlsStream::Bridge {
  static TlsStream* Of(BIO* bio) { return static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int Answer(BIO* bio, const IoResult& result, int retry_flag) {
    BIO_clear_retry_flags(bio);
    if (result.has_bytes()) return static_cast<int>(result.bytes());
    if (result.would_block()) BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    if (result.closed()) {
      Of(bio)->transport_closed_ = true;
      return 0;
    }
    if (result.is_error()) Of(bio)->transport_error_ = result.status();
    return -1;
  }

  static int Read(BIO* bio, char* data, int size) {
    return Answer(bio, Of(bio)->transport_->TryRead({reinterpret_cast<uint8_t*>(data), static_cast<size_t>(size)}),
                  BIO_FLAGS_READ);
  }

  static int Write(BIO* bio, const char* data, int size) {
    return Answer(bio,
                  Of(bio)->transport_->TryWrite({reinterpret_cast<const uint8_t*>(data), static_cast<size_t>(size)}),
                  BIO_FLAGS_WRITE);
  }

  static long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  // Lives as long as the process.
  static const BIO_METHOD* Method() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "torrent stream");
      BIO_meth_set_read(made, Read);
      BIO_meth_set_write(made, Write);
      BIO_meth_set_ctrl(made, Control);
      return made;
    }();
    return method;
  }
};

void TlsStream::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }
void TlsStream::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

absl::StatusOr<std::unique_ptr<TlsStream>> TlsStream::Connect(std::unique_ptr<Stream> transport, absl::string_view host,
                                                              const std::string& ca_file, TimePoint deadline,
                                                              int cancel_fd) {
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(transport), host));
  RETURN_IF_ERROR(stream->Prepare(ca_file));
  RETURN_IF_ERROR(stream->Handshake(deadline, cancel_fd));
  return stream;
}

TlsStream::TlsStream(std::unique_ptr<Stream> transport, absl::string_view host)
    : Stream(transport->remote()),
      transport_(std::move(transport)),
      host_(host),
      read_waits_for_(POLLIN),
      write_waits_for_(POLLOUT) {}

TlsStream::~TlsStream() {
  // Says goodbye if that is possible at once; nobody waits for the other side's.
  if (ssl_ != nullptr && usable_) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

absl::Status TlsStream::Prepare(const std::string& ca_file) {
  ERR_clear_error();
  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (context_ == nullptr) return absl::ResourceExhaustedError(absl::StrCat("TLS: ", TakeOpenSslError()));
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, AcceptMissingRevocationList);
  SSL_CTX_set_default_verify_paths(
      context_.get());  // without authorities nothing is trusted, and the handshake says so
  if (!ca_file.empty() && SSL_CTX_load_verify_file(context_.get(), ca_file.c_str()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("authorities in ", ca_file, ": ", TakeOpenSslError()));
  }
  X509_VERIFY_PARAM* const checks = SSL_CTX_get0_param(context_.get());
  X509_VERIFY_PARAM_set_flags(checks, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  // RFC 9525, 6.1: the common name proves nothing, not even where there is no other name.
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool is_address = Address::Parse(host_).has_value();
  const bool named = is_address ? X509_VERIFY_PARAM_set1_ip_asc(checks, host_.c_str()) == 1
                                : X509_VERIFY_PARAM_set1_host(checks, host_.data(), host_.size()) == 1;
  if (host_.empty() || !named) return absl::InvalidArgumentError(absl::StrCat("TLS: no host to verify: ", host_));

  ssl_.reset(SSL_new(context_.get()));
  BIO* const bio = BIO_new(Bridge::Method());
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return absl::ResourceExhaustedError(absl::StrCat("TLS: ", TakeOpenSslError()));
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_connect_state(ssl_.get());
  static constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(ssl_.get(), kHttp11, sizeof kHttp11);
  if (!is_address) SSL_set_tlsext_host_name(ssl_.get(), host_.c_str());  // RFC 6066: names only
  return absl::OkStatus();
}

absl::Status TlsStream::Handshake(TimePoint deadline, int cancel_fd) {
  static constexpr char kDoing[] = "TLS handshake with ";
  const std::string doing = absl::StrCat(kDoing, host_);
  while (true) {
    ERR_clear_error();
    const int code = SSL_do_handshake(ssl_.get());
    if (code == 1) break;
    short events = 0;
    const IoResult result = Explain(code, kDoing, &events);
    if (result.closed()) return absl::UnavailableError(absl::StrCat(doing, ": closed by the server"));
    if (!result.would_block()) return result.status();
    RETURN_IF_ERROR(WaitFor(fd(), events, deadline, cancel_fd, doing));
  }
  // The handshake fails on every one of these already; a second look costs nothing, and everything hangs on it.
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) return absl::PermissionDeniedError(WhyUntrusted(host_, verdict));
  if (SSL_get0_peer_certificate(ssl_.get()) == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat(doing, ": no certificate"));
  }
  usable_ = true;
  return absl::OkStatus();
}

IoResult TlsStream::Explain(int code, const char* verb, short* waits_for) {
  switch (SSL_get_error(ssl_.get(), code)) {
    case SSL_ERROR_WANT_READ:
      *waits_for = transport_->PollEvents(true, false);
      return IoResult::WouldBlock();
    case SSL_ERROR_WANT_WRITE:
      *waits_for = transport_->PollEvents(false, true);
      return IoResult::WouldBlock();
    case SSL_ERROR_ZERO_RETURN:
      return IoResult::Closed();
    default:
      break;
  }
  usable_ = false;
  const std::string doing = absl::StrCat(verb, host_);
  const std::string reason = TakeOpenSslError();
  if (!transport_error_.ok()) return IoResult::Error(Annotate(transport_error_, doing));
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) return IoResult::Error(absl::PermissionDeniedError(WhyUntrusted(host_, verdict)));
  if (transport_closed_) return IoResult::Error(absl::UnavailableError(absl::StrCat(doing, ": connection cut off")));
  return IoResult::Error(absl::UnavailableError(absl::StrCat(doing, ": ", reason)));
}

short TlsStream::PollEvents(bool want_read, bool want_write) const {
  return static_cast<short>((want_read ? read_waits_for_ : 0) | (want_write ? write_waits_for_ : 0));
}

bool TlsStream::HasBuffered() const { return Stream::HasBuffered() || SSL_pending(ssl_.get()) > 0; }

IoResult TlsStream::ReadSome(absl::Span<const iovec> buffers) {
  size_t total = 0;
  for (const iovec& buffer : buffers) {
    if (buffer.iov_len == 0) continue;
    // Only what is decrypted already may follow the first buffer: then no error can come that would hide what was read.
    if (total > 0 && SSL_pending(ssl_.get()) == 0) break;
    ERR_clear_error();
    size_t n = 0;
    const int code = SSL_read_ex(ssl_.get(), buffer.iov_base, buffer.iov_len, &n);
    if (code != 1) return Explain(code, "TLS read from ", &read_waits_for_);
    total += n;
    if (n < buffer.iov_len) break;
  }
  return IoResult::Bytes(total);
}

IoResult TlsStream::WriteSome(absl::Span<const iovec> buffers, bool) {
  // One record a call: what follows a record that went out could fail, and hide it.
  for (const iovec& buffer : buffers) {
    if (buffer.iov_len == 0) continue;
    ERR_clear_error();
    size_t n = 0;
    const int code = SSL_write_ex(ssl_.get(), buffer.iov_base, buffer.iov_len, &n);
    if (code == 1) return IoResult::Bytes(n);
    IoResult result = Explain(code, "TLS write to ", &write_waits_for_);
    if (result.closed()) return IoResult::Error(absl::UnavailableError(absl::StrCat(host_, ": closed by the server")));
    return result;
  }
  return IoResult::Bytes(0);
}

}  // namespace torrent
