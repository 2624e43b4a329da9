// Random numbers: unpredictable ones for what a stranger must not guess (peer ids, keys, tokens, transaction ids), and
// a fast seeded generator for choices (which piece, which peer, jitter), so that tests can repeat a run.
#ifndef TORRENT_BASE_RANDOM_H_
#define TORRENT_BASE_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace torrent {

// Fills `size` bytes from the kernel. Thread-safe; never fails once the machine has booted.
void SecureRandomBytes(void* out, size_t size);
uint64_t SecureRandom64();

// splitmix64. Thread: its owner's.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [0, n); n > 0.
  uint64_t Below(uint64_t n) { return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * n) >> 64); }
  // In [0, 1).
  double Fraction() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace torrent

#endif  // TORRENT_BASE_RANDOM_H_
