// A number of things that may exist at once (connections, half-open ones, announces), shared by threads.
// Thread-safe. Invariant: never more than the limit are taken.
#ifndef TORRENT_BASE_BUDGET_H_
#define TORRENT_BASE_BUDGET_H_

#include <atomic>
#include <utility>

namespace torrent {

class Budget {
 public:
  // One of them, given back when it dies; empty (false) when none was left.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(budget_, other.budget_);
      return *this;
    }
    ~Slot() { Release(); }
    explicit operator bool() const { return budget_ != nullptr; }
    void Release() {
      if (budget_ != nullptr) std::exchange(budget_, nullptr)->taken_.fetch_sub(1, std::memory_order_release);
    }

   private:
    friend class Budget;
    explicit Slot(Budget* budget) : budget_(budget) {}
    Budget* budget_ = nullptr;
  };

  explicit Budget(int limit) : limit_(limit) {}

  Slot TryTake() {
    int taken = taken_.load(std::memory_order_relaxed);
    while (taken < limit_) {
      if (taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_acquire)) return Slot(this);
    }
    return Slot();
  }
  int limit() const { return limit_; }
  int taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const int limit_;
  std::atomic<int> taken_{0};
};

}  // namespace torrent

#endif  // TORRENT_BASE_BUDGET_H_
