// Stands between a program and the C library (LD_PRELOAD) in all calls that change a file system, and tells disk_log.c
// what was changed and asks disk_faults.c what shall go wrong. Only what the program under test calls is here: a call
// that is missing would be missing in the log, which test/peers/power_cut.py notices as a file that differs.
// Thread: any. With a log each call and its line are one step, under one lock, so that the log's order is what
// happened.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "disk.h"

// The C library's own function of this name.
#define REAL(name)                                             \
  ({                                                           \
    static __typeof__(&name) found;                            \
    if (found == NULL) found = (__typeof__(&name))Next(#name); \
    found;                                                     \
  })

static void* Next(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == NULL) _exit(99);
  return found;
}

// --- Opening --------------------------------------------------------------------------------------------------------
// What open, openat and openat2 share; `call` is the real one, with its arguments in `how`.
struct Opening {
  int folder;
  const char* path;
  int flags;
  mode_t mode;
  struct open_how* how;  // of openat2, with its size
  size_t how_bytes;
};

static long RealSyscall(long number, long a, long b, long c, long d, long e, long f) {
  return REAL(syscall)(number, a, b, c, d, e, f);
}

static int OpenReally(const struct Opening* o) {
  if (o->how == NULL) return REAL(openat)(o->folder, o->path, o->flags, o->mode);
  return (int)RealSyscall(SYS_openat2, o->folder, (long)o->path, (long)o->how, (long)o->how_bytes, 0, 0);
}

static int Open(const struct Opening* o) {
  const int changes = o->flags & (O_CREAT | O_TRUNC);
  if (DiskFault("open", o->folder, o->path, NULL)) return -1;
  if (!changes) return OpenReally(o);
  if (DiskFault("create", o->folder, o->path, NULL)) return -1;
  LogLock();
  struct stat before, after;
  const int was_there = fstatat(o->folder, o->path, &before, AT_SYMLINK_NOFOLLOW) == 0;
  const int fd = OpenReally(o);
  const int error = errno;
  if (fd >= 0 && fstat(fd, &after) == 0) {
    if (!was_there) LogEntry(o->folder, o->path, &after);
    if (was_there && (o->flags & O_TRUNC)) LogSize(fd, 0, 1);
  }
  LogUnlock();
  errno = error;
  return fd;
}

#define MODE_OF(flags, last)                 \
  ({                                         \
    mode_t mode = 0;                         \
    if ((flags)&O_CREAT) {                   \
      va_list arguments;                     \
      va_start(arguments, last);             \
      mode = (mode_t)va_arg(arguments, int); \
      va_end(arguments);                     \
    }                                        \
    mode;                                    \
  })

int open(const char* path, int flags, ...) {
  return Open(&(struct Opening){AT_FDCWD, path, flags, MODE_OF(flags, flags), NULL, 0});
}
int open64(const char* path, int flags, ...) {
  return Open(&(struct Opening){AT_FDCWD, path, flags, MODE_OF(flags, flags), NULL, 0});
}
int openat(int folder, const char* path, int flags, ...) {
  return Open(&(struct Opening){folder, path, flags, MODE_OF(flags, flags), NULL, 0});
}
int openat64(int folder, const char* path, int flags, ...) {
  return Open(&(struct Opening){folder, path, flags, MODE_OF(flags, flags), NULL, 0});
}
// What _FORTIFY_SOURCE makes of the calls without a mode.
int __open_2(const char* path, int flags) { return Open(&(struct Opening){AT_FDCWD, path, flags, 0, NULL, 0}); }
int __openat_2(int folder, const char* path, int flags) {
  return Open(&(struct Opening){folder, path, flags, 0, NULL, 0});
}

long syscall(long number, ...) {
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(arguments, long);
  va_end(arguments);
  if (number != SYS_openat2) return RealSyscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  struct open_how* how = (struct open_how*)a[2];
  return Open(&(struct Opening){(int)a[0], (const char*)a[1], (int)how->flags, (mode_t)how->mode, how, (size_t)a[3]});
}

// --- Writing --------------------------------------------------------------------------------------------------------
ssize_t write(int fd, const void* bytes, size_t count) {
  if (!IsDiskFile(fd)) return REAL(write)(fd, bytes, count);
  size_t length = count;
  if (DiskFault("write", fd, NULL, &length)) return -1;
  LogLock();
  const off_t offset = lseek(fd, 0, SEEK_CUR);
  const ssize_t n = REAL(write)(fd, bytes, length);
  const int error = errno;
  if (n > 0) LogWrite(fd, offset, &(struct iovec){(void*)bytes, (size_t)n}, 1, (size_t)n);
  LogUnlock();
  AfterFault();
  errno = error;
  return n;
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return pwritev(fd, &(struct iovec){(void*)bytes, count}, 1, offset);
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off_t offset) {
  return pwritev(fd, &(struct iovec){(void*)bytes, count}, 1, offset);
}

ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
  struct iovec some[IOV_MAX];
  size_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  if (DiskFault("write", fd, NULL, &length)) return -1;
  int used = 0;
  for (size_t left = length; left > 0 && used < count; used++) {
    some[used] = parts[used];
    if (some[used].iov_len > left) some[used].iov_len = left;
    left -= some[used].iov_len;
  }
  LogLock();
  const ssize_t n = REAL(pwritev)(fd, some, used, offset);
  const int error = errno;
  if (n > 0) LogWrite(fd, offset, some, used, (size_t)n);
  LogUnlock();
  AfterFault();
  errno = error;
  return n;
}
ssize_t pwritev64(int fd, const struct iovec* parts, int count, off_t offset) {
  return pwritev(fd, parts, count, offset);
}

// `call` is done and logged by `log` unless a fault is due.
#define LOGGED(result, log)  \
  LogLock();                 \
  const int done = (result); \
  const int error = errno;   \
  if (done == 0) log;        \
  LogUnlock();               \
  errno = error;             \
  return done

int ftruncate(int fd, off_t size) {
  if (DiskFault("truncate", fd, NULL, NULL)) return -1;
  LOGGED(REAL(ftruncate)(fd, size), LogSize(fd, size, 1));
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  if (DiskFault("fallocate", fd, NULL, NULL)) return -1;
  LOGGED(REAL(fallocate)(fd, mode, offset, length), LogSize(fd, offset + length, 0));
}

// --- Reading: only to fail ------------------------------------------------------------------------------------------
ssize_t pread(int fd, void* bytes, size_t count, off_t offset) {
  if (DiskFault("read", fd, NULL, &count)) return -1;
  return REAL(pread)(fd, bytes, count, offset);
}
ssize_t pread64(int fd, void* bytes, size_t count, off_t offset) { return pread(fd, bytes, count, offset); }

// --- Syncing --------------------------------------------------------------------------------------------------------
int fsync(int fd) {
  if (DiskFault("sync", fd, NULL, NULL)) return -1;
  LOGGED(REAL(fsync)(fd), LogSync(fd));
}
int fdatasync(int fd) {
  if (DiskFault("sync", fd, NULL, NULL)) return -1;
  LOGGED(REAL(fdatasync)(fd), LogSync(fd));
}
int syncfs(int fd) {
  if (DiskFault("sync", fd, NULL, NULL)) return -1;
  LOGGED(REAL(syncfs)(fd), LogSyncAll());
}
// It promises nothing, so the log does without it.
int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags) {
  if (DiskFault("sync", fd, NULL, NULL)) return -1;
  return REAL(sync_file_range)(fd, offset, count, flags);
}

// --- Names ----------------------------------------------------------------------------------------------------------
int renameat2(int folder, const char* path, int to_folder, const char* to_path, unsigned flags) {
  if (DiskFault("rename", folder, path, NULL)) return -1;
  LOGGED(REAL(renameat2)(folder, path, to_folder, to_path, flags), LogRename(folder, path, to_folder, to_path, flags));
}
int renameat(int folder, const char* path, int to_folder, const char* to_path) {
  return renameat2(folder, path, to_folder, to_path, 0);
}
int rename(const char* path, const char* to_path) { return renameat2(AT_FDCWD, path, AT_FDCWD, to_path, 0); }

int unlinkat(int folder, const char* path, int flags) {
  if (DiskFault("unlink", folder, path, NULL)) return -1;
  LOGGED(REAL(unlinkat)(folder, path, flags), LogUnlink(folder, path));
}
int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int folder, const char* path, mode_t mode) {
  struct stat made;
  if (DiskFault("mkdir", folder, path, NULL)) return -1;
  LOGGED(REAL(mkdirat)(folder, path, mode), if (fstatat(folder, path, &made, 0) == 0) LogEntry(folder, path, &made));
}
int mkdir(const char* path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int linkat(int folder, const char* path, int to_folder, const char* to_path, int flags) {
  struct stat made;
  if (DiskFault("link", folder, path, NULL)) return -1;
  LOGGED(REAL(linkat)(folder, path, to_folder, to_path, flags),
         if (fstatat(to_folder, to_path, &made, AT_SYMLINK_NOFOLLOW) == 0) LogEntry(to_folder, to_path, &made));
}
int link(const char* path, const char* to_path) { return linkat(AT_FDCWD, path, AT_FDCWD, to_path, 0); }
