// starve.c: a library for LD_PRELOAD under which a program's calls for memory, threads, sockets and files fail when a
// test says so. test/peers/starving.py builds it and holds the other end.
//
// Which calls fail stands in a file that both have mapped (STARVE names it; struct Control is its form): those from the
// `first` on, `run` of them, and beside those one in `odds` at random. Calls are counted while `armed` is set, each
// kind by itself, so that a test lets a program start in peace. Which of the random ones fail hangs on `seed` and the
// call's number alone; which thread makes that call does not.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum Kind { kMemory, kThread, kSocket, kAccept, kOpen, kEvent, kKinds };

struct Control {
  _Atomic uint64_t armed, seed;
  struct {
    _Atomic uint64_t first, run, odds;  // what fails; 0: none
    _Atomic uint64_t calls, failed;     // while armed
  } kinds[kKinds];
};

static struct Control* control;
// The function that ours stands before. Other libraries begin before this one: it is looked up when it is wanted.
#define NEXT(name) ((__typeof__(&name))Next(#name))
static void* Next(const char* name) { return dlsym(RTLD_NEXT, name); }
// glibc's own, so that the first of all calls has something to call.
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

__attribute__((constructor)) static void Begin(void) {
  const char* path = getenv("STARVE");
  const int fd = path == NULL ? -1 : NEXT(open)(path, O_RDWR | O_CLOEXEC);
  void* mapped = fd < 0 ? MAP_FAILED : NEXT(mmap)(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    fputs("starve: STARVE names no file that can be mapped\n", stderr);
    _exit(99);
  }
  close(fd);
  control = mapped;
}

// The finalizer of splitmix64: any two numbers give unlike ones.
static uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static int Fails(enum Kind kind, int error) {
  if (control == NULL || !control->armed) return 0;
  const uint64_t call = ++control->kinds[kind].calls;
  const uint64_t first = control->kinds[kind].first, odds = control->kinds[kind].odds;
  const int hit = (first != 0 && call >= first && call - first < control->kinds[kind].run) ||
                  (odds != 0 && Mix(control->seed + Mix(call * kKinds + kind)) % odds == 0);
  if (!hit) return 0;
  ++control->kinds[kind].failed;
  errno = error;
  return 1;
}

// --- Memory ---------------------------------------------------------------------------------------------------------
void* malloc(size_t size) { return Fails(kMemory, ENOMEM) ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return Fails(kMemory, ENOMEM) ? NULL : __libc_calloc(count, size); }
void* realloc(void* old, size_t size) { return Fails(kMemory, ENOMEM) ? NULL : __libc_realloc(old, size); }
void* aligned_alloc(size_t alignment, size_t size) {
  return Fails(kMemory, ENOMEM) ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  if (Fails(kMemory, ENOMEM)) return ENOMEM;
  *memory = __libc_memalign(alignment, size);
  return *memory == NULL ? ENOMEM : 0;
}
void* mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) {
  if ((flags & MAP_ANONYMOUS) != 0 && Fails(kMemory, ENOMEM)) return MAP_FAILED;
  return NEXT(mmap)(address, length, protection, flags, fd, offset);
}

// --- Threads and descriptors ----------------------------------------------------------------------------------------
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  if (Fails(kThread, EAGAIN)) return EAGAIN;
  return NEXT(pthread_create)(thread, attributes, body, argument);
}
int socket(int domain, int type, int protocol) {
  return Fails(kSocket, EMFILE) ? -1 : NEXT(socket)(domain, type, protocol);
}
int accept4(int fd, struct sockaddr* address, socklen_t* size, int flags) {
  return Fails(kAccept, EMFILE) ? -1 : NEXT(accept4)(fd, address, size, flags);
}
int eventfd(unsigned count, int flags) { return Fails(kEvent, EMFILE) ? -1 : NEXT(eventfd)(count, flags); }

static mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}
int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return Fails(kOpen, EMFILE) ? -1 : NEXT(open)(path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return Fails(kOpen, EMFILE) ? -1 : NEXT(openat)(folder, path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) { return Fails(kOpen, EMFILE) ? NULL : NEXT(fopen)(path, mode); }
// openat2 has no wrapper in glibc.
long syscall(long number, ...) {
  long a[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_openat2 && Fails(kOpen, EMFILE)) return -1;
  return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// What ends for want of something tells where: to be read with addr2line -e torrent.
void abort(void) {
  if (control != NULL) control->armed = 0;
  void* frames[50];
  backtrace_symbols_fd(frames, backtrace(frames, 50), STDERR_FILENO);
  _exit(134);
}
