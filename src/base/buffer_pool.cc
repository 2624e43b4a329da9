#include "base/buffer_pool.h"

#include <sys/mman.h>

#include <new>

namespace torrent {

namespace {

int ClassOf(const Buffer& buffer) {
  int size_class = 0;
  while (BufferPool::kBufferClasses[size_class] != buffer.capacity) size_class++;
  return size_class;
}

// Straight from the kernel: a heap would keep the holes that buffers of three sizes leave.
Buffer* Map(BufferPool* pool, uint32_t capacity) {
  void* memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();  // ends the peer that asked, at its thread's top level
  auto* buffer = new Buffer;
  buffer->pool = pool;
  buffer->data = static_cast<uint8_t*>(memory);
  buffer->capacity = capacity;
  return buffer;
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
  if (size_class > 0 && in_use_.load(std::memory_order_relaxed) + kBufferClasses[size_class] > limit_bytes_ / 2) size_class = 0;
  const uint32_t capacity = kBufferClasses[size_class];
  in_use_.fetch_add(capacity, std::memory_order_relaxed);
  {
    MutexLock lock(&mutex_);
    auto& list = free_[size_class];
    if (!list.empty()) {
      Buffer* buffer = list.back();
      list.pop_back();
      kept_ -= capacity;
      return BufferRef(buffer);
    }
  }
  return BufferRef(Map(this, capacity));
}

void BufferPool::Return(Buffer* buffer) {
  in_use_.fetch_sub(buffer->capacity, std::memory_order_relaxed);
  {
    MutexLock lock(&mutex_);
    if (kept_ + buffer->capacity <= keep_bytes_) {
      free_[ClassOf(*buffer)].push_back(buffer);
      kept_ += buffer->capacity;
      return;
    }
  }
  Unmap(buffer);
}

}  // namespace torrent
