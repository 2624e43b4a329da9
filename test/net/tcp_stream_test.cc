#include "net/tcp_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

#include "base/bytes.h"
#include "base/thread.h"
#include "net/connect.h"
#include "net/listener.h"
#include "net/wait.h"
#include "test/net/patience.h"

namespace torrent {
namespace {

// Two connected ends; the other one is a plain descriptor.
struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    stream = std::make_unique<TcpStream>(UniqueFd(fds[0]), *Endpoint::Parse("192.0.2.1:6881"));
    other = UniqueFd(fds[1]);
  }
  std::string ReadOther(size_t size) {
    std::string bytes(size, '\0');
    EXPECT_EQ(recv(other.get(), bytes.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    return bytes;
  }
  void WriteOther(absl::string_view bytes) {
    EXPECT_EQ(send(other.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  std::string TryRead(size_t size) {
    std::string bytes(size, '\0');
    const IoResult result = stream->TryRead({reinterpret_cast<uint8_t*>(bytes.data()), size});
    EXPECT_TRUE(result.has_bytes());
    bytes.resize(result.bytes());
    return bytes;
  }

  std::unique_ptr<TcpStream> stream;
  UniqueFd other;
};

UniqueFd FileOf(absl::string_view bytes) {
  UniqueFd file(memfd_create("file", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return file;
}

TEST(TcpStreamTest, NeverBlocksWhenNothingIsThere) {
  Pair pair;
  std::array<uint8_t, 8> buffer;
  EXPECT_TRUE(pair.stream->TryRead(absl::MakeSpan(buffer)).would_block());
  EXPECT_EQ(pair.stream->PollEvents(true, false), POLLIN);
  EXPECT_EQ(pair.stream->PollEvents(true, true), POLLIN | POLLOUT);
  EXPECT_FALSE(pair.stream->HasBuffered());
}

TEST(TcpStreamTest, WritesAsMuchAsFitsAndThenSaysThatItWouldBlock) {
  Pair pair;
  const std::string block(64 * 1024, 'x');
  uint64_t written = 0;
  IoResult last = pair.stream->TryWrite(AsBytes(block));
  while (last.has_bytes() && written < (64u << 20)) {
    written += last.bytes();
    last = pair.stream->TryWrite(AsBytes(block));
  }
  EXPECT_TRUE(last.would_block());
  EXPECT_GT(written, 0u);
  EXPECT_EQ(pair.ReadOther(written), std::string(written, 'x'));
  EXPECT_TRUE(pair.stream->TryWrite(AsBytes(block)).has_bytes());
}

TEST(TcpStreamTest, BytesThatMoreFollowsLeaveTogetherWithIt) {
  Listener listener = *Listener::Open(0, BindOptions(), 10);
  TcpStream stream(*Connect({Address::V4Loopback(), listener.port()}, BindOptions(), Now() + kPatience, -1),
                   Endpoint());
  auto packets = [&stream] {
    struct tcp_info info = {};
    socklen_t size = sizeof info;
    EXPECT_EQ(getsockopt(stream.fd(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info.tcpi_data_segs_out;
  };
  uint32_t sent = 0;
  // The system waits for 200 ms at most: who is held up longer between two lines tries again.
  for (int tries = 0; tries < 10 && sent != 1; tries++) {
    const uint32_t before = packets();
    EXPECT_TRUE(stream.TryWrite(AsBytes("head"), /*more=*/true).has_bytes());
    EXPECT_TRUE(stream.TryWrite(AsBytes("payload")).has_bytes());
    sent = packets() - before;
  }
  EXPECT_EQ(sent, 1u);
}

TEST(TcpStreamTest, ScattersAndGathersInOrder) {
  Pair pair;
  char a[] = "ab", b[] = "cde";
  const iovec out[] = {{a, 2}, {nullptr, 0}, {b, 3}};
  EXPECT_EQ(pair.stream->TryWriteV(out).bytes(), 5u);
  EXPECT_EQ(pair.ReadOther(5), "abcde");

  pair.WriteOther("vwxyz");
  char c[2], d[8];
  const iovec in[] = {{c, 2}, {d, 8}};
  EXPECT_EQ(pair.stream->TryReadV(in).bytes(), 5u);
  EXPECT_EQ(std::string(c, 2) + std::string(d, 3), "vwxyz");
}

TEST(TcpStreamTest, ReadsUnreadBytesBeforeAnyOther) {
  Pair pair;
  pair.WriteOther("third");
  pair.stream->Unread(AsBytes("second"));
  pair.stream->Unread(AsBytes("first"));
  EXPECT_TRUE(pair.stream->HasBuffered());
  EXPECT_EQ(pair.TryRead(2), "fi");
  pair.stream->Unread(AsBytes("FI"));
  EXPECT_EQ(pair.TryRead(100), "FIrstsecond");
  EXPECT_FALSE(pair.stream->HasBuffered());
  EXPECT_EQ(pair.TryRead(100), "third");
}

TEST(TcpStreamTest, SendsFromAFileAndTellsWhereItWasCut) {
  Pair pair;
  ASSERT_TRUE(pair.stream->CanSendFile());
  const UniqueFd file = FileOf("0123456789");
  EXPECT_EQ(pair.stream->SendFile(file.get(), 2, 4).bytes(), 4u);
  EXPECT_EQ(pair.ReadOther(4), "2345");
  EXPECT_EQ(pair.stream->SendFile(file.get(), 8, 100).bytes(), 2u);  // short: the rest is not there
  EXPECT_EQ(pair.ReadOther(2), "89");
  EXPECT_TRUE(pair.stream->SendFile(file.get(), 10, 1).file_ended());
  EXPECT_TRUE(pair.stream->SendFile(file.get(), uint64_t{1} << 40, 1).file_ended());
  EXPECT_EQ(lseek(file.get(), 0, SEEK_CUR), 10);  // the descriptor is lent to others at the same time
}

TEST(TcpStreamTest, TellsAFaultOfTheFileFromOneOfTheConnection) {
  Pair pair;
  const UniqueFd file = FileOf("x");
  const IoResult no_file = pair.stream->SendFile(file.get(), uint64_t{1} << 63, 1);  // no offset of any file
  EXPECT_TRUE(no_file.is_error());
  EXPECT_EQ(no_file.status().code(), absl::StatusCode::kDataLoss) << no_file.status();
}

TEST(TcpStreamTest, StopsSendingAFileWhenTheSocketIsFull) {
  Pair pair;
  const UniqueFd file = FileOf(std::string(1 << 20, 'f'));
  uint64_t sent = 0;
  IoResult last = pair.stream->SendFile(file.get(), 0, 1 << 20);
  while (last.has_bytes() && sent < (64u << 20)) {
    sent += last.bytes();
    last = pair.stream->SendFile(file.get(), 0, 1 << 20);
  }
  EXPECT_TRUE(last.would_block());
}

TEST(TcpStreamTest, TellsAnOrderlyEndFromAnError) {
  Pair pair;
  pair.WriteOther("end");
  shutdown(pair.other.get(), SHUT_WR);
  EXPECT_EQ(pair.TryRead(100), "end");
  std::array<uint8_t, 8> buffer;
  EXPECT_TRUE(pair.stream->TryRead(absl::MakeSpan(buffer)).closed());
  EXPECT_TRUE(pair.stream->TryWrite(AsBytes("still open")).has_bytes());  // the other direction lives on
}

TEST(TcpStreamTest, ReportsABrokenConnectionWithoutASignal) {
  Pair pair;
  pair.other.Reset();
  const IoResult result = pair.stream->TryWrite(AsBytes("x"));  // SIGPIPE would end the test
  EXPECT_TRUE(result.is_error());
  EXPECT_TRUE(absl::IsUnavailable(result.status())) << result.status();
  EXPECT_NE(result.status().message().find("192.0.2.1:6881"), absl::string_view::npos) << result.status();
}

TEST(TcpStreamTest, WakesItsOwnerWhenAnotherThreadShutsItDown) {
  Pair pair;
  absl::Status waited;
  IoResult read = IoResult::WouldBlock();
  Thread owner = *Thread::Start("owner", [&] {
    waited = WaitFor(pair.stream->fd(), pair.stream->PollEvents(true, false), Now() + kPatience, -1, "wait");
    std::array<uint8_t, 8> buffer;
    read = pair.stream->TryRead(absl::MakeSpan(buffer));
  });
  pair.stream->Shutdown();
  owner.Join();
  EXPECT_TRUE(waited.ok()) << waited;
  EXPECT_TRUE(read.closed());
}

TEST(TcpStreamTest, DoesNotHoldSmallMessagesBack) {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  TcpStream stream(UniqueFd(dup(fd.get())), Endpoint());
  int on = 0;
  socklen_t size = sizeof on;
  ASSERT_EQ(getsockopt(fd.get(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, &size), 0);
  EXPECT_NE(on, 0);
  EXPECT_NE(fcntl(stream.fd(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(WaitTest, IsEndedByItsDeadlineOrByTheWakeUp) {
  Pair pair;
  const TimePoint begin = Now();
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(WaitFor(pair.other.get(), POLLIN, begin + std::chrono::milliseconds(20), -1, "x")));
  EXPECT_GE(Now(), begin + std::chrono::milliseconds(20));
  Pair cancel;
  cancel.WriteOther("!");
  EXPECT_TRUE(
      absl::IsCancelled(WaitFor(pair.other.get(), POLLIN | POLLOUT, Now() + kPatience, cancel.stream->fd(), "x")));
}

}  // namespace
}  // namespace torrent
