// seeder: the swarm that clients are measured against; as many seeders as addresses are given, in one process.
//
//   seeder PAYLOAD INFOHASH PIECE_LENGTH ADDRESS:PORT[,KEY=N]...      prints "ready", serves until it is killed
//
// PAYLOAD is all files of the torrent as one. A seeder at full speed costs little: a thread a connection, blocks by
// sendfile(2) out of the page cache, so that what is measured is the other side. Keys make it a worse peer:
//
//   rate     bytes a second of each connection: blocks leave at a steady pace
//   latency  milliseconds until the answer to a request leaves; any number may be on their way
//   mute     it answers no more after so many blocks, and keeps the connection
//   choke    1: it never unchokes
//   leave    it hangs up after so many blocks
//   lie      every so manyth block has a wrong byte
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <thread>
#include <vector>

#include "test/bench/wire.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Payload {
  int fd;
  uint64_t size;
  std::string infohash;
  uint32_t piece_length;
};

struct Manners {
  int64_t rate = 0, latency = 0, mute = 0, choke = 0, leave = 0, lie = 0;
};

// One connection. Thread: one each.
class Connection {
 public:
  Connection(int fd, const Payload& payload, const Manners& manners) : fd_(fd), payload_(payload), manners_(manners) {}
  ~Connection() { close(fd_); }

  void Run() {
    static std::atomic<int> number{0};
    if (!ReceiveHandshake(fd_, payload_.infohash) || !SendHandshake(fd_, payload_.infohash, "-BS0100-", ++number) ||
        !SendBitfield() || (!manners_.choke && !SendBare(fd_, kUnchoke)))
      return;
    for (;;) {
      // A full-speed seeder owes nothing here: it answers while it parses.
      while (!owed_.empty() && owed_.front().due <= Clock::now()) {
        if (!SendBlock(owed_.front())) return;
        owed_.pop_front();
      }
      if (!WaitForBytes()) continue;
      const ssize_t got = recv(fd_, inbox_ + filled_, sizeof inbox_ - filled_, 0);
      if (got <= 0) return;
      filled_ += static_cast<size_t>(got);
      if (!Parse()) return;
    }
  }

 private:
  struct Answer {
    uint32_t piece_index, begin, length;
    Clock::time_point due;
  };

  bool SendBitfield() {
    const uint64_t pieces = (payload_.size + payload_.piece_length - 1) / payload_.piece_length;
    std::vector<uint8_t> message(5 + (pieces + 7) / 8, 0xff);
    Put32(message.data(), static_cast<uint32_t>(message.size() - 4));
    message[4] = kBitfield;
    if (pieces % 8 != 0) message.back() = static_cast<uint8_t>(0xff << (8 - pieces % 8));
    return Send(fd_, message.data(), message.size());
  }

  // Until bytes arrive or the next block is due; whether there are bytes.
  bool WaitForBytes() {
    if (owed_.empty()) return true;  // recv waits
    const auto left = std::max<Clock::duration>(owed_.front().due - Clock::now(), Clock::duration::zero());
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
    const timespec wait{ns / 1000000000, ns % 1000000000};
    pollfd readable{fd_, POLLIN, 0};
    return ppoll(&readable, 1, &wait, nullptr) > 0;
  }

  // Takes the whole messages off the inbox. False when the connection is over.
  bool Parse() {
    size_t at = 0;
    while (filled_ - at >= 4) {
      const uint32_t length = Get32(inbox_ + at);
      if (length > sizeof inbox_ - 4) return false;
      if (filled_ - at - 4 < length) break;
      const uint8_t* message = inbox_ + at + 4;
      if (length == kRequest - 4 && (message[0] == kAsk || message[0] == kCancel)) {
        Answer answer{Get32(message + 1), Get32(message + 5), Get32(message + 9), Clock::time_point()};
        if (message[0] == kCancel) {
          Forget(answer);
        } else if (!Take(answer)) {
          return false;
        }
      }
      at += 4 + length;
    }
    filled_ -= at;
    memmove(inbox_, inbox_ + at, filled_);
    return true;
  }

  bool Take(Answer& answer) {
    const uint64_t start = uint64_t{answer.piece_index} * payload_.piece_length + answer.begin;
    if (answer.length > 8 * kBlock || start + answer.length > payload_.size) return false;
    if (manners_.choke || (manners_.mute && ++asked_ > manners_.mute)) return true;
    if (!manners_.rate && !manners_.latency) return SendBlock(answer);
    // The block leaves when the line, which carries `rate`, is free of those before it.
    answer.due = std::max(Clock::now() + std::chrono::milliseconds(manners_.latency), line_free_);
    if (manners_.rate)
      line_free_ = answer.due + std::chrono::nanoseconds(int64_t{1000000000} * answer.length / manners_.rate);
    owed_.push_back(answer);
    return true;
  }

  void Forget(const Answer& answer) {
    const auto same = [&](const Answer& other) {
      return other.piece_index == answer.piece_index && other.begin == answer.begin;
    };
    owed_.erase(std::remove_if(owed_.begin(), owed_.end(), same), owed_.end());
  }

  bool SendBlock(const Answer& answer) {
    ++blocks_;
    if (manners_.leave && blocks_ > manners_.leave) return false;
    uint8_t head[kPieceHead];
    Put32(head, kPieceHead - 4 + answer.length);
    head[4] = kPiece;
    Put32(head + 5, answer.piece_index);
    Put32(head + 9, answer.begin);
    if (!Send(fd_, head, sizeof head, MSG_MORE)) return false;
    auto offset = static_cast<off_t>(uint64_t{answer.piece_index} * payload_.piece_length + answer.begin);
    if (manners_.lie && blocks_ % manners_.lie == 0) {
      std::vector<uint8_t> block(answer.length);
      if (pread(payload_.fd, block.data(), block.size(), offset) != static_cast<ssize_t>(block.size())) return false;
      block[answer.length / 3] ^= 1;
      return Send(fd_, block.data(), block.size());
    }
    for (size_t left = answer.length; left > 0;) {
      const ssize_t sent = sendfile(fd_, payload_.fd, &offset, left);
      if (sent <= 0) return false;
      left -= static_cast<size_t>(sent);
    }
    return true;
  }

  const int fd_;
  const Payload& payload_;
  const Manners manners_;
  std::deque<Answer> owed_;      // in the order of their due times
  Clock::time_point line_free_;  // when all of them have left
  int64_t asked_ = 0, blocks_ = 0;
  size_t filled_ = 0;
  uint8_t inbox_[64 << 10];
};

Manners ParseManners(const std::string& text) {
  Manners manners;
  std::map<std::string, int64_t*> keys = {{"rate", &manners.rate},   {"latency", &manners.latency},
                                          {"mute", &manners.mute},   {"choke", &manners.choke},
                                          {"leave", &manners.leave}, {"lie", &manners.lie}};
  for (size_t comma = text.find(','); comma != std::string::npos; comma = text.find(',', comma + 1)) {
    const size_t equals = text.find('=', comma);
    const auto key = keys.find(text.substr(comma + 1, equals - comma - 1));
    if (equals == std::string::npos || key == keys.end()) Fail("no such manners: " + text);
    *key->second = std::stoll(text.substr(equals + 1));
  }
  return manners;
}

void Listen(int listener, const Payload& payload, Manners manners) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::thread([fd, &payload, manners] { Connection(fd, payload, manners).Run(); }).detach();
  }
}

int Main(int argc, char** argv) {
  if (argc < 5) Fail("usage: seeder PAYLOAD INFOHASH PIECE_LENGTH ADDRESS:PORT[,KEY=N]...");
  signal(SIGPIPE, SIG_IGN);  // sendfile has no flag for it
  const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) FailErrno(argv[1]);
  const Payload payload{file, static_cast<uint64_t>(status.st_size), FromHex(argv[2]),
                        static_cast<uint32_t>(std::stoul(argv[3]))};
  std::vector<std::thread> threads;
  for (int i = 4; i < argc; ++i) {
    const std::string spec = argv[i];
    const sockaddr_in address = Address(spec.substr(0, spec.find(',')));
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 16) != 0)
      FailErrno(spec);
    threads.emplace_back(Listen, listener, std::cref(payload), ParseManners(spec));
  }
  puts("ready");
  fflush(stdout);
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
