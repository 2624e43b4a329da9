// What a thread does when the system gives it no memory: it waits a little, because a shortage passes when somebody
// else gives some back, and most of those who can are other threads of this program. Only then it fails, as C++ has it,
// with std::bad_alloc, which ends a peer and so gives back what that peer held. Those threads without which nothing
// goes on (coordinators, writers, sync, the network's) wait for as long as it takes: see PatientForMemory. Any thread.
// Takes no memory and no lock.
#ifndef TORRENT_BASE_MEMORY_SHORTAGE_H_
#define TORRENT_BASE_MEMORY_SHORTAGE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace torrent {

// To be called when an allocation has failed, before it is tried again: returns after 10 ms, or at once when that set a
// reserve free. Throws std::bad_alloc when this thread has waited for kMemoryPatience without a PatientForMemory.
// Its form is that of a std::new_handler: a program that sets it as that has every `new` wait so.
void AwaitMemory();

// Sets AwaitMemory as the program's new-handler and lays the reserve by. At start.
void WaitWhenMemoryIsShort();

// Lays the reserve by again after it was used, if there is memory again: for who has just given some back.
void RefillMemoryReserve();

// While one of these lives, its thread waits for memory without end instead of std::bad_alloc: what it does cannot be
// left half done, or must go on whatever happens. Whoever holds a MutexLock has one, and who adds to one of Abseil's
// hash tables needs one: they free what is not theirs after a std::bad_alloc. May be nested.
class PatientForMemory {
 public:
  PatientForMemory();
  ~PatientForMemory();
  PatientForMemory(const PatientForMemory&) = delete;
  PatientForMemory& operator=(const PatientForMemory&) = delete;
};

// Runs what may fail for want of memory whatever waits around it: the life of a peer. What a library throws out of it,
// std::bad_alloc mostly, is ResourceExhausted.
absl::Status RunMortal(absl::FunctionRef<absl::Status()> life);

}  // namespace torrent

#endif  // TORRENT_BASE_MEMORY_SHORTAGE_H_
