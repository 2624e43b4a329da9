// drain: a leecher that costs little: loads a client that seeds, and looks at every byte but keeps none.
//
//   drain PAYLOAD INFOHASH PIECE_LENGTH ADDRESS:PORT
//
// Tries for a minute until the seeder answers; then waits until it unchokes, prints "begun", fetches all of PAYLOAD
// once over one connection, compares each block with it, and prints "done". It asks again for what a choke swept away.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "test/bench/wire.h"

namespace bench {
namespace {

constexpr size_t kAhead = 500;  // blocks asked for at once: Transmission answers twice a second, to 512 at most

class Drain {
 public:
  Drain(int fd, const uint8_t* payload, uint64_t size, uint32_t piece_length)
      : fd_(fd), payload_(payload), size_(size), piece_length_(piece_length), inbox_(256 << 10) {}

  void Run() {
    const uint64_t blocks = (size_ + kBlock - 1) / kBlock;
    while (arrived_ < blocks) {
      if (unchoked_) Ask();
      const ssize_t got = recv(fd_, inbox_.data() + filled_, inbox_.size() - filled_, 0);
      if (got <= 0) Fail("the client is gone");
      filled_ += static_cast<size_t>(got);
      Parse();
    }
  }

 private:
  void Ask() {
    requests_.clear();
    while (asked_.size() < kAhead && (!again_.empty() || next_ < size_)) {
      uint64_t at = next_;
      if (again_.empty()) {
        next_ += kBlock;
      } else {
        at = again_.back();
        again_.pop_back();
      }
      asked_.insert(at);
      requests_.resize(requests_.size() + kRequest);
      PutRequest(requests_.data() + requests_.size() - kRequest, static_cast<uint32_t>(at / piece_length_),
                 static_cast<uint32_t>(at % piece_length_), LengthAt(at));
    }
    if (!Send(fd_, requests_.data(), requests_.size())) Fail("the client is gone");
  }

  uint32_t LengthAt(uint64_t at) const { return static_cast<uint32_t>(std::min<uint64_t>(kBlock, size_ - at)); }

  void Parse() {
    size_t at = 0;
    while (filled_ - at >= 4) {
      const size_t length = Get32(&inbox_[at]);
      if (length > inbox_.size() - 4) Fail("a message that is too long");
      if (filled_ - at - 4 < length) break;
      if (length > 0) Message(&inbox_[at + 4], length);
      at += 4 + length;
    }
    filled_ -= at;
    memmove(inbox_.data(), &inbox_[at], filled_);
  }

  void Message(const uint8_t* message, size_t length) {
    if (message[0] == kUnchoke) {
      if (!begun_) puts("begun"), fflush(stdout);
      begun_ = unchoked_ = true;
    } else if (message[0] == kChoke) {
      unchoked_ = false;
      again_.assign(asked_.rbegin(), asked_.rend());
      asked_.clear();
    } else if (message[0] == kPiece && length > 9) {
      const uint64_t at = uint64_t{Get32(message + 1)} * piece_length_ + Get32(message + 5);
      if (at % kBlock != 0 || at >= size_ || length - 9 != LengthAt(at)) Fail("a block that was not asked for");
      if (memcmp(message + 9, payload_ + at, length - 9) != 0) Fail("a wrong byte");
      // One that was on its way when a choke came may arrive all the same.
      const auto swept = std::find(again_.begin(), again_.end(), at);
      if (asked_.erase(at) == 0 && swept == again_.end()) return;
      if (swept != again_.end()) again_.erase(swept);
      ++arrived_;
    }
  }

  const int fd_;
  const uint8_t* const payload_;
  const uint64_t size_;
  const uint32_t piece_length_;
  std::set<uint64_t> asked_;     // where the blocks begin that are on their way
  std::vector<uint64_t> again_;  // and those to be asked for again
  uint64_t next_ = 0, arrived_ = 0;
  bool begun_ = false, unchoked_ = false;
  size_t filled_ = 0;
  std::vector<uint8_t> inbox_, requests_;
};

// A connection to the client, once it listens and has looked at its files.
int Greet(const std::string& address, const std::string& infohash) {
  for (int tries = 0; tries < 600; ++tries) {
    const int fd = Connect(address);
    if (fd >= 0 && SendHandshake(fd, infohash, "-BD0100-", tries) && ReceiveHandshake(fd, infohash) &&
        SendBare(fd, kInterested))
      return fd;
    if (fd >= 0) close(fd);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  Fail("the client does not answer");
}

int Main(int argc, char** argv) {
  if (argc != 5) Fail("usage: drain PAYLOAD INFOHASH PIECE_LENGTH ADDRESS:PORT");
  const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) FailErrno(argv[1]);
  const auto size = static_cast<uint64_t>(status.st_size);
  void* payload = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (payload == MAP_FAILED) FailErrno(argv[1]);
  Drain(Greet(argv[4], FromHex(argv[2])), static_cast<const uint8_t*>(payload), size,
        static_cast<uint32_t>(std::stoul(argv[3])))
      .Run();
  puts("done");
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
