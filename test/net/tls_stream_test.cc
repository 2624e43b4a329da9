#include "net/tls_stream.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/wakeup.h"
#include "net/connect.h"
#include "net/http.h"
#include "net/listener.h"
#include "net/tcp_stream.h"
#include "net/wait.h"
#include "test/net/certificates.h"
#include "test/net/patience.h"
#include "test/servers/scripted_server.h"

namespace torrent {
namespace {

class TlsTest : public testing::Test {
 protected:
  // A server that shows `certificate` and its issuers, and answers "hello" to a request.
  ScriptedServer* Serve(
      const Certificate& certificate, const std::vector<Certificate>& issuers = {},
      ScriptedServer::Script script = ScriptedServer::Always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) {
    std::vector<Certificate> chain = {certificate};
    chain.insert(chain.end(), issuers.begin(), issuers.end());
    ScriptedServer::Options options;
    options.certificate_file = made_.Write(chain);
    options.key_file = made_.WriteKey(certificate);
    server_.emplace(options, std::move(script));
    return &*server_;
  }
  Certificate ForLoopback(const Certificate* issuer) { return made_.Make({"server", "IP:127.0.0.1"}, issuer); }

  absl::StatusOr<std::unique_ptr<TlsStream>> ConnectAs(absl::string_view host, const std::string& ca_file) {
    UniqueFd fd = *Connect(server_->endpoint(), BindOptions(), Now() + kPatience, -1);
    auto transport = std::make_unique<TcpStream>(std::move(fd), server_->endpoint());
    return TlsStream::Connect(std::move(transport), host, ca_file, Now() + kPatience, -1);
  }
  absl::StatusOr<HttpResponse> Get(const std::string& ca_file) {
    HttpRequest request;
    request.url = *Url::Parse(server_->UrlOf("/announce?passkey=secret"));
    request.ca_file = ca_file;
    Resolver resolver;
    return HttpGet(request, &resolver, -1);
  }
  // The server saw a client that left in the handshake, and not one byte of a request.
  void ExpectRefused(const std::string& ca_file, absl::string_view why) {
    const absl::StatusOr<HttpResponse> response = Get(ca_file);
    EXPECT_TRUE(absl::IsPermissionDenied(response.status())) << response.status();
    EXPECT_NE(response.status().message().find(why), absl::string_view::npos) << response.status();
    EXPECT_TRUE(server_->WaitForScripts(1));
    EXPECT_EQ(server_->connections(), 1);
    EXPECT_EQ(server_->bytes_received(), 0u);
    EXPECT_TRUE(server_->requests().empty());
  }

  Certificates made_;
  std::optional<ScriptedServer> server_;
};

TEST_F(TlsTest, SpeaksToAServerThatProvesItsAddress) {
  const Certificate authority = made_.Authority("good");
  Serve(ForLoopback(&authority));
  const absl::StatusOr<HttpResponse> response = Get(made_.Write({authority}));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, "hello");
  ASSERT_EQ(server_->requests().size(), 1u);
  EXPECT_EQ(server_->requests()[0].substr(0, 39), "GET /announce?passkey=secret HTTP/1.1\r\n");
}

TEST_F(TlsTest, SpeaksToAServerThatProvesItsNameThroughAnIntermediate) {
  const Certificate authority = made_.Authority("good");
  const Certificate middle = made_.Make({"middle", "", true}, &authority);
  Serve(made_.Make({"server", "DNS:*.tracker.example"}, &middle), {middle});
  const std::string ca_file = made_.Write({authority});
  EXPECT_TRUE(ConnectAs("a.tracker.example", ca_file).ok());
}

// CVE-2024-51774: certificates were not looked at for 14 years (hazard 71).
TEST_F(TlsTest, SendsNothingToASelfSignedServer) {
  const Certificate authority = made_.Authority("good");
  Serve(ForLoopback(nullptr));
  ExpectRefused(made_.Write({authority}), "self-signed");
}

TEST_F(TlsTest, SendsNothingWithoutAKnownAuthority) {
  const Certificate other = made_.Authority("other");
  Serve(ForLoopback(&other), {other});
  ExpectRefused("", "certificate");
}

TEST_F(TlsTest, SendsNothingToAServerOfAnotherAuthority) {
  const Certificate authority = made_.Authority("good");
  const Certificate other = made_.Authority("good");  // the same name, another key
  Serve(ForLoopback(&other));
  ExpectRefused(made_.Write({authority}), "certificate");
}

TEST_F(TlsTest, SendsNothingToAnotherHost) {
  const Certificate authority = made_.Authority("good");
  Serve(made_.Make({"127.0.0.1", "IP:127.0.0.2"}, &authority));  // a common name proves nothing
  ExpectRefused(made_.Write({authority}), "IP address mismatch");

  const std::string ca_file = made_.Write({authority});
  Serve(made_.Make({"tracker.example", "DNS:other.example"}, &authority));
  EXPECT_TRUE(absl::IsPermissionDenied(ConnectAs("tracker.example", ca_file).status()));
  Serve(made_.Make({"x", "DNS:*.tracker.example"}, &authority));
  EXPECT_TRUE(absl::IsPermissionDenied(ConnectAs("b.a.tracker.example", ca_file).status()));
  // The common name is not looked at where no other name is there, either (RFC 9525).
  Serve(made_.Make({"tracker.example", ""}, &authority));
  EXPECT_TRUE(absl::IsPermissionDenied(ConnectAs("tracker.example", ca_file).status()));
}

TEST_F(TlsTest, SendsNothingOutsideTheTimeOfACertificate) {
  const Certificate authority = made_.Authority("good");
  const std::string ca_file = made_.Write({authority});
  Serve(made_.Make({"server", "IP:127.0.0.1", false, -7200, -3600}, &authority));
  ExpectRefused(ca_file, "clock");
  Serve(made_.Make({"server", "IP:127.0.0.1", false, 3600, 7200}, &authority));
  ExpectRefused(ca_file, "clock");
}

TEST_F(TlsTest, SendsNothingBehindARevokedIntermediate) {
  const Certificate authority = made_.Authority("good");
  const Certificate middle = made_.Make({"middle", "", true}, &authority);
  const Certificate other = made_.Make({"other", "", true}, &authority);
  Serve(ForLoopback(&middle), {middle});
  EXPECT_TRUE(Get(made_.WriteWithRevocation({authority}, authority, other)).ok());
  Serve(ForLoopback(&middle), {middle});
  ExpectRefused(made_.WriteWithRevocation({authority}, authority, middle), "revoked");
}

TEST_F(TlsTest, SendsNothingBehindACertificateThatMayNotSign) {
  const Certificate authority = made_.Authority("good");
  const Certificate no_authority = made_.Make({"middle", "DNS:middle.example"}, &authority);
  Serve(ForLoopback(&no_authority), {no_authority});
  ExpectRefused(made_.Write({authority}), "certificate");
}

TEST_F(TlsTest, NamesAFileOfAuthoritiesThatIsNone) {
  const Certificate authority = made_.Authority("good");
  Serve(ForLoopback(&authority));
  const absl::Status status = Get("/nonexistent/ca.pem").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(status.message().find("/nonexistent/ca.pem"), absl::string_view::npos) << status;
}

TEST_F(TlsTest, EndsAHandshakeAtItsDeadlineOrWhenStopped) {
  Listener silent = *Listener::Open(0, BindOptions(), 10);
  const Endpoint endpoint{Address::V4Loopback(), silent.port()};
  const Wakeup stop = *Wakeup::Create();
  stop.Notify();
  for (bool stopped : {false, true}) {
    UniqueFd fd = *Connect(endpoint, BindOptions(), Now() + kPatience, -1);
    const absl::Status status = TlsStream::Connect(std::make_unique<TcpStream>(std::move(fd), endpoint), "host", "",
                                                   stopped ? Now() + kPatience : Now() + std::chrono::milliseconds(50),
                                                   stopped ? stop.fd() : -1)
                                    .status();
    EXPECT_EQ(status.code(), stopped ? absl::StatusCode::kCancelled : absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_TRUE(silent.Accept(Now() + kPatience, -1).ok());  // there was somebody, who said nothing
  }
}

TEST_F(TlsTest, ReportsAServerThatSpeaksNoTls) {
  server_.emplace([](ScriptedServer::Connection*) {});
  Listener plain = *Listener::Open(0, BindOptions(), 10);
  const Endpoint endpoint{Address::V4Loopback(), plain.port()};
  UniqueFd fd = *Connect(endpoint, BindOptions(), Now() + kPatience, -1);
  Listener::Accepted accepted = *plain.Accept(Now() + kPatience, -1);
  TcpStream server(std::move(accepted.fd), accepted.remote);
  ASSERT_TRUE(server.TryWrite(AsBytes("HTTP/1.1 400 Bad Request\r\n\r\n")).has_bytes());
  const absl::Status status =
      TlsStream::Connect(std::make_unique<TcpStream>(std::move(fd), endpoint), "host", "", Now() + kPatience, -1)
          .status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

// Reads everything, waiting as the stream says.
std::string ReadAll(Stream* stream, absl::Status* end) {
  std::string all;
  std::vector<uint8_t> a(1000), b(3000);
  while (true) {
    const iovec buffers[] = {{a.data(), a.size()}, {nullptr, 0}, {b.data(), b.size()}};
    const IoResult result = stream->TryReadV(buffers);
    if (result.has_bytes()) {
      const size_t first = std::min(result.bytes(), a.size());
      absl::StrAppend(&all, AsText(absl::MakeConstSpan(a).first(first)),
                      AsText(absl::MakeConstSpan(b).first(result.bytes() - first)));
    } else if (result.would_block()) {
      EXPECT_FALSE(stream->HasBuffered());
      const absl::Status waited = WaitFor(stream->fd(), stream->PollEvents(true, false), Now() + kPatience, -1, "read");
      if (!waited.ok()) *end = waited;
      if (!waited.ok()) return all;
    } else {
      *end = result.status();
      return all;
    }
  }
}

TEST_F(TlsTest, CarriesManyBytesBothWaysUnchanged) {
  const Certificate authority = made_.Authority("good");
  std::string payload;
  for (uint32_t x = 1; payload.size() < (1 << 20); x = x * 1664525 + 1013904223) payload += static_cast<char>(x >> 24);
  std::string received;
  // Sends its payload only once everything of ours has come: our writes meet a full socket on the way.
  const size_t request_bytes = 4 + payload.size();
  Serve(ForLoopback(&authority), {}, [&](ScriptedServer::Connection* connection) { connection->Send(payload); });
  auto stream = ConnectAs("127.0.0.1", made_.Write({authority}));
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_FALSE((*stream)->CanSendFile());

  // The blank line that ends the "request" comes last.
  std::string out = std::string(payload.size(), 'q') + "\r\n\r\n";
  absl::string_view rest = out;
  while (!rest.empty()) {
    const size_t half = std::min<size_t>(rest.size(), 100'000);
    const iovec buffers[] = {{const_cast<char*>(rest.data()), half / 2},
                             {const_cast<char*>(rest.data()) + half / 2, half - half / 2}};
    const IoResult result = (*stream)->TryWriteV(buffers);
    ASSERT_FALSE(result.is_error()) << result.status();
    if (result.would_block()) {
      ASSERT_TRUE(WaitFor((*stream)->fd(), (*stream)->PollEvents(false, true), Now() + kPatience, -1, "write").ok());
    }
    rest.remove_prefix(result.bytes());
  }
  absl::Status end;
  EXPECT_EQ(ReadAll(stream->get(), &end), payload);
  EXPECT_TRUE(end.ok()) << end;  // an orderly goodbye
  EXPECT_EQ(server_->bytes_received(), request_bytes);
}

TEST_F(TlsTest, TellsACutFromAGoodbye) {
  const Certificate authority = made_.Authority("good");
  Serve(ForLoopback(&authority), {}, [](ScriptedServer::Connection* connection) {
    connection->Send("HTTP/1.1 200 OK\r\n\r\nhalf of the tru");
    connection->Vanish();
  });
  const absl::StatusOr<HttpResponse> response = Get(made_.Write({authority}));
  EXPECT_TRUE(server_->WaitForScripts(1));
  EXPECT_TRUE(absl::IsUnavailable(response.status())) << response.status();
  EXPECT_NE(response.status().message().find("cut off"), absl::string_view::npos) << response.status();
}

}  // namespace
}  // namespace torrent
