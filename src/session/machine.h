// What the machine gives: memory and descriptors, and what follows from them for buffers and connections.
// Thread: at start.
#ifndef TORRENT_SESSION_MACHINE_H_
#define TORRENT_SESSION_MACHINE_H_

#include <cstddef>
#include <cstdint>

namespace torrent {

// The least of 64 MiB, an eighth of the RAM, and a quarter of the memory cgroup's limit (version 1 or 2).
uint64_t DefaultMemoryBytes();

// Raises the soft limit on descriptors to the hard one, and answers how many there may be.
uint64_t RaiseDescriptorLimit();

// How `memory_bytes` are shared out. Code and libraries come on top.
struct MemoryPlan {
  size_t receive_buffers;  // lent to peers and waiting for the writer
  size_t kept_buffers;     // those that nobody uses are kept while all are within this
  size_t writer_queue;     // a torrent's
  int max_peers;           // that this memory carries
};
MemoryPlan PlanMemory(uint64_t memory_bytes);

// Files that may stay open where there are so many descriptors: an eighth of them at most, so that the checkpoints,
// which open others, find some.
size_t FilesForDescriptors(uint64_t descriptors);

// Connections that so many descriptors allow: each takes two (socket and wake-up), files and the rest come first.
int PeersForDescriptors(uint64_t descriptors);

}  // namespace torrent

#endif  // TORRENT_SESSION_MACHINE_H_
