#include "sandbox/folder_keeper.h"

#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "sandbox/call_filter.h"

namespace torrent {
namespace {

enum Kind : int { kOpenKept, kOpen, kMakeFolder };

struct Request {
  int kind;
  int flags;
  mode_t mode;
  char name[NAME_MAX + 1];
};

// Of a request: the folder (for kOpenKept any) and where the answer goes. Of an answer: what was opened.
constexpr size_t kMaxDescriptors = 2;

// Room for them beside a message.
struct Message {
  Message(void* data, size_t size) : part{data, size} {
    head.msg_iov = &part;
    head.msg_iovlen = 1;
  }
  iovec part;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
  msghdr head = {};
};

bool Send(int socket, const void* data, size_t size, const int* descriptors, size_t count) {
  Message message(const_cast<void*>(data), size);
  if (count > 0) {
    message.head.msg_control = message.control;
    message.head.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* const control = CMSG_FIRSTHDR(&message.head);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(control), descriptors, count * sizeof(int));
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message.head, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(size);
}

// The message's size; 0 at the end, -1 for an error or for more than there is room for. Descriptors that did not come
// are -1.
ssize_t Receive(int socket, void* data, size_t size, int (&descriptors)[kMaxDescriptors]) {
  Message message(data, size);
  message.head.msg_control = message.control;
  message.head.msg_controllen = sizeof message.control;
  for (int& descriptor : descriptors) descriptor = -1;
  ssize_t received;
  do {
    received = recvmsg(socket, &message.head, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -1;
  const cmsghdr* const control = CMSG_FIRSTHDR(&message.head);
  if (control != nullptr && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS) {
    memcpy(descriptors, CMSG_DATA(control), control->cmsg_len - CMSG_LEN(0));
  }
  return (message.head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? -1 : received;
}

// --- The keeper's side: it allocates nothing, and the calls that it makes are all in kCalls --------------------------

constexpr uint32_t kCalls[] = {
    __NR_recvmsg, __NR_sendmsg, __NR_openat, __NR_mkdirat, __NR_readlinkat,  __NR_close, __NR_exit_group,
#ifdef TORRENT_SANITIZED
    __NR_mmap,    __NR_munmap,  __NR_futex,  __NR_madvise, __NR_sched_yield,
#endif
};

// What Folder asks for (storage/folder.cc).
constexpr int kFlags =
    O_RDONLY | O_RDWR | O_CREAT | O_EXCL | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

// One element below `kept` that is named by itself.
bool MayServe(const char* kept, int folder, const Request& request) {
  if (memchr(request.name, '\0', sizeof request.name) == nullptr) return false;
  if (strchr(request.name, '/') != nullptr || strcmp(request.name, "..") == 0) return false;
  char link[40];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
  const ssize_t size = readlinkat(AT_FDCWD, link, path, sizeof path);
  const size_t kept_size = strlen(kept);
  if (size < static_cast<ssize_t>(kept_size) || size == static_cast<ssize_t>(sizeof path)) return false;
  return memcmp(path, kept, kept_size) == 0 && (size == static_cast<ssize_t>(kept_size) || path[kept_size] == '/');
}

int Serve(const char* kept, int folder, const Request& request) {
  if (request.kind == kOpenKept) return open(kept, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  errno = EACCES;
  if (!MayServe(kept, folder, request)) return -1;
  if (request.kind == kMakeFolder) return mkdirat(folder, request.name, request.mode & 0777);
  if (request.kind != kOpen || (request.flags & ~kFlags) != 0) return -1;
  return openat(folder, request.name, request.flags | O_NOFOLLOW | O_CLOEXEC, request.mode & 0777);
}

// Takes the libraries out that the keeper has no use for: code that nobody can misuse here, and 0.2 MiB less resident.
int DropLibrary(dl_phdr_info* library, size_t, void*) {
  bool unused = false;
  for (const char* name : {"/libcrypto.", "/libssl.", "/libcpp-httplib.", "/libbrotli"}) {
    unused = unused || strstr(library->dlpi_name, name) != nullptr;
  }
  uintptr_t end = 0;
  for (int i = 0; unused && i < library->dlpi_phnum; i++) {
    const ElfW(Phdr)& part = library->dlpi_phdr[i];
    if (part.p_type == PT_LOAD) end = library->dlpi_addr + part.p_vaddr + part.p_memsz;
  }
  if (end != 0) munmap(reinterpret_cast<void*>(library->dlpi_addr), end - library->dlpi_addr);
  return 0;
}

[[noreturn]] void Work(const char* kept, int requests) {
  // Not the terminal's, whose signals are for us; and nobody who reads what we print waits for the keeper.
  setsid();
  prctl(PR_SET_NAME, "folder keeper");
  for (int fd = 0; fd < requests; fd++) close(fd);
  syscall(SYS_close_range, static_cast<unsigned>(requests) + 1, ~0u, 0u);
  dl_iterate_phdr(DropLibrary, nullptr);
  // Without the filter it still does what it is asked alone.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) EnterCallList(kCalls).IgnoreError();
  Request request;
  int got[kMaxDescriptors];
  while (true) {
    const ssize_t size = Receive(requests, &request, sizeof request, got);
    if (size == 0) _exit(0);
    if (size == static_cast<ssize_t>(sizeof request)) {
      const int opened = Serve(kept, got[0], request);
      const int error = opened < 0 ? errno : 0;
      const bool has = opened >= 0 && request.kind != kMakeFolder;
      Send(got[1], &error, sizeof error, &opened, has ? 1 : 0);
      if (has) close(opened);
    }
    for (int fd : got) {
      if (fd >= 0) close(fd);
    }
  }
}

}  // namespace

std::unique_ptr<FolderKeeper> FolderKeeper::Start(const std::string& folder) {
  struct stat info, root;
  if (stat(folder.c_str(), &info) != 0 || stat("/", &root) != 0 || info.st_dev == root.st_dev) return nullptr;
  return Keep(folder);
}

std::unique_ptr<FolderKeeper> FolderKeeper::Keep(const std::string& folder) {
  const std::unique_ptr<char, decltype(&free)> kept(realpath(folder.c_str(), nullptr), free);
  int ends[2];
  if (kept == nullptr || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return nullptr;
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const pid_t keeper = fork();
  if (keeper == 0) Work(kept.get(), theirs.get());
  if (keeper < 0) return nullptr;
  return std::unique_ptr<FolderKeeper>(new FolderKeeper(kept.get(), std::move(ours)));
}

int FolderKeeper::Ask(int kind, int folder, const char* name, int flags, mode_t mode) const {
  Request request = {};
  request.kind = kind;
  request.flags = flags;
  request.mode = mode;
  if (strlen(name) > NAME_MAX) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(request.name, name, strlen(name));
  // A socket for each answer, so that no thread holds a lock while another's disk is slow.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  const UniqueFd answers(ends[0]);
  UniqueFd theirs(ends[1]);
  const int descriptors[] = {folder, theirs.get()};
  if (!Send(requests_.get(), &request, sizeof request, descriptors, 2)) {
    errno = EACCES;  // it is gone: as the kernel said
    return -1;
  }
  theirs.Reset();
  int error = EACCES;
  int got[kMaxDescriptors];
  if (Receive(answers.get(), &error, sizeof error, got) != static_cast<ssize_t>(sizeof error)) error = EACCES;
  errno = error;
  if (error != 0) return -1;
  return kind == kMakeFolder ? 0 : got[0];
}

int FolderKeeper::Open(int folder, const char* name, int flags, mode_t mode) {
  if (folder != AT_FDCWD) return Ask(kOpen, folder, name, flags, mode);
  if (path_ == name) return Ask(kOpenKept, requests_.get(), "", flags, mode);
  errno = EACCES;
  return -1;
}

int FolderKeeper::MakeFolder(int folder, const char* name, mode_t mode) {
  return Ask(kMakeFolder, folder, name, 0, mode);
}

}  // namespace torrent
