// The log of what changed: one header and its bytes a change, in the order in which it happened.
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"

enum Kind { kWrite = 1, kSize, kGrow, kSync, kSyncAll, kEntry, kRename, kUnlink };

// Little-endian as the machine has it; names and data follow.
struct Header {
  uint32_t kind;
  uint32_t name_bytes;
  uint32_t to_name_bytes;
  uint32_t data_bytes;
  uint64_t inode;     // of the file; of the folder that holds `name`
  uint64_t to_inode;  // of the file that got a name; of the folder that holds `to_name`
  int64_t offset;     // or size
  int64_t more;       // kSync: the time of last change in ns; kEntry: st_mode; kRename: flags
};

static int log_fd = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void OpenLog(void) {
  const char* path = getenv("DISK_LOG");
  if (path == NULL) return;
  log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) _exit(99);
}

void LogLock(void) {
  if (log_fd >= 0) pthread_mutex_lock(&mutex);
}
void LogUnlock(void) {
  if (log_fd >= 0) pthread_mutex_unlock(&mutex);
}

int IsDiskFile(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

static void Put(const struct iovec* parts, int count) {
  for (int i = 0; i < count; i++) {
    const char* at = parts[i].iov_base;
    size_t left = parts[i].iov_len;
    while (left > 0) {
      const long n = syscall(SYS_write, log_fd, at, left);
      if (n <= 0) _exit(99);
      at += n;
      left -= (size_t)n;
    }
  }
}

static void PutNames(struct Header* header, const char* name, const char* to_name) {
  header->name_bytes = (uint32_t)strlen(name);
  header->to_name_bytes = (uint32_t)strlen(to_name);
  Put(
      (struct iovec[]){
          {header, sizeof *header}, {(void*)name, header->name_bytes}, {(void*)to_name, header->to_name_bytes}},
      3);
}

static uint64_t InodeOf(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? info.st_ino : 0;
}

// The folder that holds the last element of `path`; its name is what is answered.
static const char* Split(int folder, const char* path, uint64_t* inode) {
  char above[PATH_MAX];
  struct stat info;
  const char* slash = strrchr(path, '/');
  const size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
  if (length >= sizeof above) _exit(99);
  memcpy(above, path, length);
  above[length] = '\0';
  *inode = fstatat(folder, length == 0 ? "." : above, &info, 0) == 0 ? info.st_ino : 0;
  return slash == NULL ? path : slash + 1;
}

void LogWrite(int fd, off_t offset, const struct iovec* parts, int count, size_t length) {
  if (log_fd < 0) return;
  struct Header header = {.kind = kWrite, .data_bytes = (uint32_t)length, .inode = InodeOf(fd), .offset = offset};
  Put(&(struct iovec){&header, sizeof header}, 1);
  for (int i = 0; i < count && length > 0; i++) {
    struct iovec part = parts[i];
    if (part.iov_len > length) part.iov_len = length;
    Put(&part, 1);
    length -= part.iov_len;
  }
}

void LogSize(int fd, off_t size, int exact) {
  if (log_fd < 0) return;
  struct Header header = {.kind = exact ? kSize : kGrow, .inode = InodeOf(fd), .offset = size};
  PutNames(&header, "", "");
}

void LogSync(int fd) {
  struct stat info;
  if (log_fd < 0 || fstat(fd, &info) != 0) return;
  struct Header header = {.kind = kSync, .inode = info.st_ino};
  header.more = info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
  PutNames(&header, "", "");
}

void LogSyncAll(void) {
  if (log_fd < 0) return;
  struct Header header = {.kind = kSyncAll};
  PutNames(&header, "", "");
}

void LogEntry(int folder, const char* path, const struct stat* made) {
  if (log_fd < 0) return;
  struct Header header = {.kind = kEntry, .to_inode = made->st_ino, .more = made->st_mode};
  const char* name = Split(folder, path, &header.inode);
  PutNames(&header, name, "");
}

void LogRename(int folder, const char* path, int to_folder, const char* to_path, unsigned flags) {
  if (log_fd < 0) return;
  struct Header header = {.kind = kRename, .more = flags};
  const char* name = Split(folder, path, &header.inode);
  const char* to_name = Split(to_folder, to_path, &header.to_inode);
  PutNames(&header, name, to_name);
}

void LogUnlink(int folder, const char* path) {
  if (log_fd < 0) return;
  struct Header header = {.kind = kUnlink};
  const char* name = Split(folder, path, &header.inode);
  PutNames(&header, name, "");
}
