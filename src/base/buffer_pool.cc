#include "base/buffer_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "base/memory_shortage.h"

namespace torrent {

namespace {

// What may be out, with it, when a buffer of each class is lent. Large ones save a twentieth of the CPU where one or
// two peers are fast; lent to eight they would cost 2 MiB.
constexpr size_t kLentUpTo[BufferPool::kClassCount] = {SIZE_MAX, SIZE_MAX, 768 << 10, 512 << 10};

// A buffer that lay while so many others came back was needed once, but is not now.
constexpr uint64_t kStaleReturns = 1000;

int ClassOf(const Buffer& buffer) {
  int size_class = 0;
  while (BufferPool::kBufferClasses[size_class] != buffer.capacity) size_class++;
  return size_class;
}

// Straight from the kernel: a heap would keep the holes that buffers of three sizes leave.
Buffer* Map(BufferPool* pool, uint32_t capacity) {
  auto buffer = std::make_unique<Buffer>();
  void* memory;
  while ((memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED) {
    AwaitMemory();  // or ends the peer that asked, at its thread's top level
  }
  buffer->pool = pool;
  buffer->data = static_cast<uint8_t*>(memory);
  buffer->capacity = capacity;
  return buffer.release();
}

void Unmap(Buffer* buffer) {
  munmap(buffer->data, buffer->capacity);
  delete buffer;
}

}  // namespace

BufferPool::~BufferPool() {
  MutexLock lock(&mutex_);
  for (auto& list : free_) {
    for (Buffer* buffer : list) Unmap(buffer);
  }
}

BufferRef BufferPool::Acquire(int size_class) {
  if (size_class > 0 && bytes_in_use() + kBufferClasses[size_class] > limit_bytes_ / 2) size_class = 0;
  while (bytes_in_use() + kBufferClasses[size_class] > kLentUpTo[size_class]) size_class--;
  const uint32_t capacity = kBufferClasses[size_class];
  Buffer* buffer = TakeKept(size_class);
  if (buffer == nullptr) buffer = Map(this, capacity);
  in_use_.fetch_add(capacity, std::memory_order_relaxed);
  return BufferRef(buffer);
}

Buffer* BufferPool::TakeKept(int size_class) {
  MutexLock lock(&mutex_);
  auto& list = free_[size_class];
  if (list.empty()) return nullptr;
  Buffer* buffer = list.back();
  list.pop_back();
  kept_ -= buffer->capacity;
  return buffer;
}

void BufferPool::Return(Buffer* buffer) {
  const uint32_t capacity = buffer->capacity;
  const size_t lent = in_use_.fetch_sub(capacity, std::memory_order_relaxed) - capacity;
  const size_t room = keep_bytes_ - std::min(keep_bytes_, lent);
  if (capacity > room) return Unmap(buffer);
  absl::InlinedVector<Buffer*, 4> cold;  // unmapped without the lock
  {
    MutexLock lock(&mutex_);
    while (kept_ + capacity > room) cold.push_back(TakeColdestLocked());
    buffer->returned = ++returns_;
    free_[ClassOf(*buffer)].push_back(buffer);
    kept_ += capacity;
    for (int i = 0; i < kClassCount; i++) {
      const bool stale = !free_[i].empty() && free_[i].front()->returned + kStaleReturns < returns_;
      if (stale) cold.push_back(TakeFrontLocked(i));
    }
  }
  for (Buffer* old : cold) Unmap(old);
}

// The one that came back is warm; what makes way for it lay longest, of the class that fills the pool most: buffers of
// a size that nobody asks for any more must not keep those in use from being kept.
Buffer* BufferPool::TakeColdestLocked() {
  int fullest = 0;
  for (int i = 1; i < kClassCount; i++) {
    if (free_[i].size() * kBufferClasses[i] > free_[fullest].size() * kBufferClasses[fullest]) fullest = i;
  }
  return TakeFrontLocked(fullest);
}

Buffer* BufferPool::TakeFrontLocked(int size_class) {
  Buffer* buffer = free_[size_class].front();
  free_[size_class].pop_front();
  kept_ -= buffer->capacity;
  return buffer;
}

size_t BufferPool::bytes_kept() const {
  MutexLock lock(&mutex_);
  return kept_;
}

}  // namespace torrent
