// Threads with a name and a small stack, whose start may be refused: a machine that gives no more threads costs a peer,
// never the process. Who starts a thread joins it.
#ifndef TORRENT_BASE_THREAD_H_
#define TORRENT_BASE_THREAD_H_

#include <pthread.h>

#include <cstddef>
#include <functional>

#include "absl/status/statusor.h"

namespace torrent {

class Thread {
 public:
  // Runs `body` on a new thread. `name` (15 bytes at most are kept) is what debuggers and top show.
  // The stack is 256 KiB, four times that under the sanitizers, whose frames are larger; it is reserved, and memory is
  // taken only as it is touched. An exception that leaves `body` ends that thread alone.
  // ResourceExhausted when the system gives no thread; then `body` is destroyed without having run.
  static absl::StatusOr<Thread> Start(const char* name, std::function<void()> body);

  Thread() = default;
  Thread(Thread&& other) noexcept;
  Thread& operator=(Thread&& other) noexcept;
  // Joins, if nobody did.
  ~Thread();

  bool joinable() const { return joinable_; }
  // Blocks until `body` has returned.
  void Join();
  // Lets the thread run on with nobody to join it: for a call that nothing can stop (getaddrinfo). What it touches must
  // be its own from here on.
  void Abandon();

 private:
  pthread_t thread_ = {};
  bool joinable_ = false;
};

}  // namespace torrent

#endif  // TORRENT_BASE_THREAD_H_
