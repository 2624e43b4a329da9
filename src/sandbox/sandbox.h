// Shuts the process in: from then on it opens nothing but what it said before, starts no program, and makes none of the
// system calls that lead out. So whoever takes it over by way of the network finds nothing but its downloads. As much
// as the kernel has: Landlock (Linux 5.13) for files, seccomp for system calls.
// Thread: main, before any other is started: each thread is shut in by itself, and inherits it from the one that
// started it.
#ifndef TORRENT_SANDBOX_SANDBOX_H_
#define TORRENT_SANDBOX_SANDBOX_H_

#include <string>
#include <vector>

namespace torrent {

// Folders, with all that lies below them, and files. Links are followed once, now. What is not there is left out.
struct SandboxPlaces {
  std::vector<std::string> readable;  // beside what names and certificates need (system_places.h)
  std::vector<std::string> writable;  // and readable
  std::string kept = {};              // one of these that is found again when its disk was gone (folder_keeper.h)
};

struct Sandbox {
  bool files = false;  // Landlock
  bool calls = false;  // seccomp
  std::string text;    // both in one line, for people
};

// There is no way back. What the kernel does not have is left out, and said in `text`.
Sandbox EnterSandbox(const SandboxPlaces& places);

}  // namespace torrent

#endif  // TORRENT_SANDBOX_SANDBOX_H_
