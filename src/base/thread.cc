#include "base/thread.h"

#include <limits.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/memory_shortage.h"

namespace torrent {

namespace {

struct Launch {
  std::string name;
  std::function<void()> body;
};

void* Enter(void* argument) {
  std::unique_ptr<Launch> launch(static_cast<Launch*>(argument));
  pthread_setname_np(pthread_self(), launch->name.c_str());
  try {
    launch->body();
  } catch (...) {
    // What a library throws (bad_alloc, mostly) unwound the body, whose objects gave back what they held.
  }
  launch.reset();
  RefillMemoryReserve();
  return nullptr;
}

}  // namespace

absl::StatusOr<Thread> Thread::Start(const char* name, std::function<void()> body) {
  auto launch = std::make_unique<Launch>(Launch{std::string(name).substr(0, 15), std::move(body)});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, std::max<size_t>(kThreadStackBytes, static_cast<size_t>(PTHREAD_STACK_MIN)));
  Thread thread;
  int error = pthread_create(&thread.thread_, &attributes, Enter, launch.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) return absl::ResourceExhaustedError(absl::StrCat("no thread for ", name, ": ", strerror(error)));
  static_cast<void>(launch.release());  // the new thread owns it now
  thread.joinable_ = true;
  return thread;
}

Thread::Thread(Thread&& other) noexcept : thread_(other.thread_), joinable_(std::exchange(other.joinable_, false)) {}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    Join();
    thread_ = other.thread_;
    joinable_ = std::exchange(other.joinable_, false);
  }
  return *this;
}

Thread::~Thread() { Join(); }

void Thread::Join() {
  if (!std::exchange(joinable_, false)) return;
  pthread_join(thread_, nullptr);
}

void Thread::Abandon() {
  if (!std::exchange(joinable_, false)) return;
  pthread_detach(thread_);
}

}  // namespace torrent
