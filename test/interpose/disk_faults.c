// What goes wrong, by rules that a test changes while the program runs.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"

enum { kRuleBytes = 4096 };

static const char* rules;  // the file itself: what a test writes there holds from the next call on
static atomic_int fitting_calls;
static _Thread_local int killed_after;

__attribute__((constructor)) static void MapRules(void) {
  const char* path = getenv("DISK_FAULTS");
  if (path == NULL) return;
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  void* at = fd < 0 ? MAP_FAILED : mmap(NULL, kRuleBytes, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) _exit(99);
  rules = at;
  close(fd);
}

static int ErrnoOf(const char* name) {
  static const struct {
    const char* name;
    int number;
  } known[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS},
               {"EACCES", EACCES}, {"EINTR", EINTR},   {"ENODEV", ENODEV}, {"EMFILE", EMFILE}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strcmp(name, known[i].name) == 0) return known[i].number;
  }
  _exit(99);
}

static void PathOf(int folder, const char* path, char* whole, size_t bytes) {
  char link[64], above[PATH_MAX] = "";
  if (folder != AT_FDCWD && (path == NULL || path[0] != '/')) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    const ssize_t n = readlink(link, above, sizeof above - 1);
    above[n < 0 ? 0 : n] = '\0';
  }
  snprintf(whole, bytes, "%s%s%s", above, path == NULL || above[0] == '\0' ? "" : "/", path == NULL ? "" : path);
}

int DiskFault(const char* call, int folder, const char* path, size_t* length) {
  if (rules == NULL || rules[0] == '\0') return 0;
  char text[kRuleBytes + 1], whole[2 * PATH_MAX];
  memcpy(text, rules, kRuleBytes);
  text[kRuleBytes] = '\0';
  PathOf(folder, path, whole, sizeof whole);
  const int error_before = errno;
  char* rest;
  for (char* line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    char action[32], which[32], pattern[256];
    int count = 0;
    if (sscanf(line, "%31s %31s %255s %d", action, which, pattern, &count) < 3) _exit(99);
    if (strcmp(which, "any") != 0 && strcmp(which, call) != 0) continue;
    if (strstr(whole, pattern) == NULL) continue;
    if (strcmp(action, "short") == 0) {
      if (length != NULL && *length > 1) *length /= 2;
    } else if (strcmp(action, "kill") == 0) {
      if (atomic_fetch_add(&fitting_calls, 1) + 1 != count) continue;
      if (length == NULL || *length < 2) raise(SIGKILL);
      *length /= 2;
      killed_after = 1;
    } else {
      errno = ErrnoOf(action);
      return 1;
    }
  }
  errno = error_before;
  return 0;
}

void AfterFault(void) {
  if (killed_after) raise(SIGKILL);
}
