// floor: the least that a download can cost: each byte is received, hashed and written once, and nothing is decided.
//
//   floor OUT SIZE PIECE_LENGTH INFOHASH HASHES ADDRESS:PORT...       HASHES: a file with the pieces' SHA-1s in a row
//
// A thread and a connection for each seeder; of n seeders each has every nth share of the payload, and a share is whole
// pieces. It leans on what it knows of test/bench/seeder: all pieces are there, answers come in the order of the
// requests, and nothing stands between them. So a *run*, some blocks in a row, arrives by one recvmsg that puts the
// blocks side by side and their heads elsewhere: no byte is moved after it came, and hash and write see one stretch of
// memory that the cache still holds.
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/uio.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "test/bench/wire.h"

namespace bench {
namespace {

constexpr uint64_t kWindow = 64 << 20;  // bytes asked for ahead, of all seeders together: no latency is felt
constexpr uint64_t kBuffers = 4 << 20;  // bytes of all connections' buffers, at most

struct Job {
  int out;
  uint64_t size, piece_length;
  std::string infohash, hashes;
  uint64_t connections = 1;
  uint64_t run = 0;    // bytes: as many as one recvmsg fetches
  uint64_t share = 0;  // bytes: whole runs and whole pieces
};

class Connection {
 public:
  Connection(const Job& job, const std::string& seeder, uint64_t number)
      : job_(job), fd_(Connect(seeder)), buffer_(job.run), digest_(EVP_MD_CTX_new()) {
    if (fd_ < 0) FailErrno(seeder);
    for (uint64_t at = number * job.share; at < job.size; at += job.connections * job.share)
      for (uint64_t run = at; run < std::min(at + job.share, job.size); run += job.run) runs_.push_back(run);
    Greet(static_cast<int>(number));
  }
  ~Connection() {
    EVP_MD_CTX_free(digest_);
    close(fd_);
  }

  void Run() {
    const size_t ahead = std::max<uint64_t>(kWindow / job_.run / job_.connections, 4);
    size_t asked = 0;
    for (size_t i = 0; i < runs_.size(); ++i) {
      while (asked < runs_.size() && asked < i + ahead) Ask(runs_[asked++]);
      const size_t size = Arrive(runs_[i]);
      Hash(runs_[i], size);
      if (pwrite(job_.out, buffer_.data(), size, static_cast<off_t>(runs_[i])) != static_cast<ssize_t>(size))
        FailErrno("write");
    }
  }

 private:
  // Up to the seeder's unchoke, the last that comes by itself.
  void Greet(int number) {
    if (!SendHandshake(fd_, job_.infohash, "-BF0100-", number) || !ReceiveHandshake(fd_, job_.infohash) ||
        !SendBare(fd_, kInterested))
      Fail("no handshake");
    for (uint8_t id = kBitfield; id != kUnchoke;) {
      uint8_t head[5];
      if (!Receive(fd_, head, sizeof head)) Fail("no unchoke");
      id = head[4];
      std::vector<uint8_t> rest(Get32(head) - 1);
      if (!Receive(fd_, rest.data(), rest.size())) Fail("no unchoke");
    }
  }

  // Calls visit(piece index, begin, length) for each block of the run; its size in bytes.
  template <typename Visit>
  size_t Blocks(uint64_t run, const Visit& visit) const {
    const uint64_t end = std::min(run + job_.run, job_.size);
    for (uint64_t at = run; at < end;) {
      const uint64_t begin = at % job_.piece_length;
      const uint64_t length = std::min<uint64_t>(kBlock, end - at);
      visit(static_cast<uint32_t>(at / job_.piece_length), static_cast<uint32_t>(begin), static_cast<uint32_t>(length));
      at += length;
    }
    return end - run;
  }

  void Ask(uint64_t run) {
    requests_.clear();
    Blocks(run, [&](uint32_t piece_index, uint32_t begin, uint32_t length) {
      requests_.resize(requests_.size() + kRequest);
      PutRequest(requests_.data() + requests_.size() - kRequest, piece_index, begin, length);
    });
    if (!Send(fd_, requests_.data(), requests_.size())) Fail("the seeder is gone");
  }

  size_t Arrive(uint64_t run) {
    parts_.clear();
    heads_.resize(kPieceHead * job_.run / kBlock);
    uint8_t *head = heads_.data(), *block = buffer_.data();
    const size_t size = Blocks(run, [&](uint32_t, uint32_t, uint32_t length) {
      parts_.push_back({head, kPieceHead});
      parts_.push_back({block, length});
      head += kPieceHead;
      block += length;
    });
    msghdr message{};
    message.msg_iov = parts_.data();
    message.msg_iovlen = parts_.size();
    const ssize_t expected = static_cast<ssize_t>(size) + (head - heads_.data());
    if (recvmsg(fd_, &message, MSG_WAITALL) != expected) Fail("the seeder is gone");
    head = heads_.data();
    Blocks(run, [&](uint32_t piece_index, uint32_t begin, uint32_t length) {
      if (Get32(head) != kPieceHead - 4 + length || head[4] != kPiece || Get32(head + 5) != piece_index ||
          Get32(head + 9) != begin)
        Fail("not the block that was asked for");
      head += kPieceHead;
    });
    return size;
  }

  void Hash(uint64_t run, size_t size) {
    for (size_t at = 0; at < size;) {
      const uint64_t begin = (run + at) % job_.piece_length;
      const size_t length = std::min<uint64_t>(job_.piece_length - begin, size - at);
      if (begin == 0) EVP_DigestInit_ex(digest_, EVP_sha1(), nullptr);
      EVP_DigestUpdate(digest_, buffer_.data() + at, length);
      at += length;
      const bool piece_ends = begin + length == job_.piece_length || run + at == job_.size;
      if (!piece_ends) continue;
      uint8_t hash[20];
      EVP_DigestFinal_ex(digest_, hash, nullptr);
      const uint64_t piece_index = (run + at - 1) / job_.piece_length;
      if (job_.hashes.compare(20 * piece_index, 20, reinterpret_cast<char*>(hash), 20) != 0) Fail("a wrong hash");
    }
  }

  const Job& job_;
  const int fd_;
  std::vector<uint64_t> runs_;  // where they begin, in the order in which they are fetched
  std::vector<uint8_t> buffer_, heads_, requests_;
  std::vector<iovec> parts_;
  EVP_MD_CTX* digest_;
};

uint64_t PowerOfTwoUpTo(uint64_t limit) {
  uint64_t power = kBlock;
  while (power * 2 <= limit) power *= 2;
  return power;
}

int Main(int argc, char** argv) {
  if (argc < 7) Fail("usage: floor OUT SIZE PIECE_LENGTH INFOHASH HASHES ADDRESS:PORT...");
  std::ifstream file(argv[5], std::ios::binary);
  Job job{open(argv[1], O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644), std::stoull(argv[2]), std::stoull(argv[3]),
          FromHex(argv[4]), std::string(std::istreambuf_iterator<char>(file), {})};
  if (job.out < 0) FailErrno(argv[1]);
  if (PowerOfTwoUpTo(job.piece_length) != job.piece_length) Fail("only for pieces of 16 KiB, 32 KiB, 64 KiB, ...");
  job.connections = static_cast<uint64_t>(argc - 6);
  // 256 KiB: few system calls, and it stays in a core's cache. Less when there are many connections.
  job.run = PowerOfTwoUpTo(std::min<uint64_t>(kBuffers / job.connections, 256 << 10));
  job.share = std::max(job.run, job.piece_length);
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < job.connections; ++i) {
    threads.emplace_back([&job, i, seeder = std::string(argv[6 + i])] { Connection(job, seeder, i).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
