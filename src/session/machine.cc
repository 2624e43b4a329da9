#include "session/machine.h"

#include <sys/resource.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/limits.h"

namespace torrent {

namespace {

constexpr uint64_t kMostMemory = 64ull << 20;
constexpr uint64_t kLeastMemory = 4ull << 20;
// A peer's thread: touched stack, kernel's part, small buffers, tables.
constexpr uint64_t kPeerBytes = 64 << 10;
// Sockets of trackers, listeners, the state files, standard streams.
constexpr uint64_t kOtherDescriptors = 40;

std::string ReadSmallFile(const std::string& path) {
  std::string text;
  FILE* file = fopen(path.c_str(), "re");
  if (file == nullptr) return text;
  char buffer[4096];
  const size_t n = fread(buffer, 1, sizeof buffer, file);
  text.assign(buffer, n);
  fclose(file);
  return text;
}

// The limit in a cgroup file, or none: "max", a missing file, or version 1's number for "unlimited".
uint64_t LimitIn(const std::string& path) {
  uint64_t limit = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(ReadSmallFile(path)), &limit)) return UINT64_MAX;
  return limit;
}

uint64_t CgroupLimit() {
  // Lines "hierarchy:controllers:path"; version 2 has hierarchy 0 and no controllers.
  uint64_t limit = UINT64_MAX;
  for (absl::string_view line : absl::StrSplit(ReadSmallFile("/proc/self/cgroup"), '\n')) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    if (fields[1].empty()) {
      limit = std::min(limit, LimitIn(absl::StrCat("/sys/fs/cgroup", fields[2], "/memory.max")));
    } else if (fields[1] == "memory") {
      limit = std::min(limit, LimitIn(absl::StrCat("/sys/fs/cgroup/memory", fields[2], "/memory.limit_in_bytes")));
    }
  }
  return limit;
}

}  // namespace

uint64_t DefaultMemoryBytes() {
  uint64_t memory = kMostMemory;
  struct sysinfo info;
  if (sysinfo(&info) == 0) memory = std::min<uint64_t>(memory, uint64_t{info.totalram} * info.mem_unit / 8);
  memory = std::min(memory, CgroupLimit() / 4);
  return std::max(memory, kLeastMemory);
}

uint64_t RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

MemoryPlan PlanMemory(uint64_t memory_bytes) {
  memory_bytes = std::max(memory_bytes, kLeastMemory);
  MemoryPlan plan;
  plan.receive_buffers = memory_bytes / 4;
  plan.kept_buffers = std::min<size_t>(plan.receive_buffers / 2, 4 << 20);
  plan.writer_queue = std::min<size_t>(kWriterQueueBytes, memory_bytes / 8);
  plan.max_peers = static_cast<int>(std::min<uint64_t>(memory_bytes / kPeerBytes, 1 << 20));
  return plan;
}

size_t FilesForDescriptors(uint64_t descriptors) { return std::clamp<uint64_t>(descriptors / 8, 4, kMaxOpenFiles); }

int PeersForDescriptors(uint64_t descriptors) {
  const uint64_t taken = FilesForDescriptors(descriptors) + kOtherDescriptors;
  const uint64_t left = descriptors > taken ? descriptors - taken : descriptors / 8;
  return static_cast<int>(std::clamp<uint64_t>(left / 2, 1, 1 << 20));
}

}  // namespace torrent
