// Receive buffers that travel: a worker receives into one, hashes what came while it is hot in cache, and the writer
// writes from the same memory. The last reference gives the buffer back to the pool, which lends the most recently
// returned one first, because that one is warm. Thread-safe. Invariant: bytes_in_use() is the capacity of all buffers
// that are out; memory is mapped from the system in the classes of kBufferClasses. To map and unmap costs more than to
// receive into it, so what comes back is kept as long as what is out and what is kept are together within a bound, and
// as long as it is needed now and then.
#ifndef TORRENT_BASE_BUFFER_POOL_H_
#define TORRENT_BASE_BUFFER_POOL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "base/mutex.h"

namespace torrent {

class BufferPool;

// One buffer's memory and its count of holders. Who holds a BufferRef may read what was filled; only the worker that
// acquired it fills it.
struct Buffer {
  BufferPool* pool = nullptr;
  uint8_t* data = nullptr;
  uint32_t capacity = 0;
  uint64_t returned = 0;  // the pool's count of returns when it came back
  std::atomic<uint32_t> references{0};
};

class BufferRef {
 public:
  BufferRef() = default;
  explicit BufferRef(Buffer* buffer) : buffer_(buffer) { Take(); }
  BufferRef(const BufferRef& other) : buffer_(other.buffer_) { Take(); }
  BufferRef(BufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  BufferRef& operator=(BufferRef other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~BufferRef() { Give(); }

  explicit operator bool() const { return buffer_ != nullptr; }
  uint8_t* data() const { return buffer_->data; }
  uint32_t capacity() const { return buffer_->capacity; }
  // Nobody else holds it: its holder may fill it from the start again.
  bool unique() const { return buffer_->references.load(std::memory_order_acquire) == 1; }
  friend bool operator==(const BufferRef& a, const BufferRef& b) { return a.buffer_ == b.buffer_; }

 private:
  void Take() {
    if (buffer_ != nullptr) buffer_->references.fetch_add(1, std::memory_order_relaxed);
  }
  inline void Give();
  Buffer* buffer_ = nullptr;
};

class BufferPool {
 public:
  // Smallest first. The smallest holds one whole `piece` message of 16 KiB + 13 bytes and the head of the next.
  static constexpr uint32_t kBufferClasses[] = {20 << 10, 64 << 10, 128 << 10, 256 << 10};
  static constexpr int kClassCount = 4;

  // Lends at most about `limit_bytes` at once. Keeps what nobody uses while that and what is lent are no more than
  // `keep_bytes` together.
  BufferPool(size_t limit_bytes, size_t keep_bytes) : limit_bytes_(limit_bytes), keep_bytes_(keep_bytes) {}
  BufferPool(const BufferPool&) = delete;
  ~BufferPool();

  // A buffer of the class `size_class`, or of the smallest when the pool is past half of its limit. Never null: the
  // smallest class is lent beyond the limit too, so that a peer that must read can (their number bounds it).
  BufferRef Acquire(int size_class);

  size_t bytes_in_use() const { return in_use_.load(std::memory_order_relaxed); }
  size_t limit_bytes() const { return limit_bytes_; }
  // Of buffers that nobody uses.
  size_t bytes_kept() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class BufferRef;
  void Return(Buffer* buffer) ABSL_LOCKS_EXCLUDED(mutex_);
  // Null when there is none of that class.
  Buffer* TakeKept(int size_class) ABSL_LOCKS_EXCLUDED(mutex_);
  Buffer* TakeColdestLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Buffer* TakeFrontLocked(int size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t limit_bytes_;
  const size_t keep_bytes_;
  std::atomic<size_t> in_use_{0};
  mutable Mutex mutex_;
  std::deque<Buffer*> free_[kClassCount] ABSL_GUARDED_BY(mutex_);  // each list's warmest last
  size_t kept_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t returns_ ABSL_GUARDED_BY(mutex_) = 0;
};

inline void BufferRef::Give() {
  if (buffer_ != nullptr && buffer_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    buffer_->pool->Return(buffer_);
  }
}

}  // namespace torrent

#endif  // TORRENT_BASE_BUFFER_POOL_H_
