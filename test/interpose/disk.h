// What the parts of the interposer share: disk_calls.c stands in the way, disk_log.c writes down what changed,
// disk_faults.c decides what goes wrong. Each of the two does nothing unless its variable is in the environment.
#ifndef TORRENT_TEST_INTERPOSE_DISK_H_
#define TORRENT_TEST_INTERPOSE_DISK_H_

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

// --- The log (DISK_LOG=FILE): see power_cut.py for its form.
void LogLock(void);  // nothing without a log
void LogUnlock(void);
// All below are called with the lock.
void LogWrite(int fd, off_t offset, const struct iovec* parts, int count, size_t length);
void LogSize(int fd, off_t size, int exact);                           // else: at least
void LogSync(int fd);                                                  // of a file or a folder
void LogSyncAll(void);                                                 // of every file system
void LogEntry(int folder, const char* path, const struct stat* made);  // a new name
void LogRename(int folder, const char* path, int to_folder, const char* to_path, unsigned flags);
void LogUnlink(int folder, const char* path);

// A regular file, and not a socket, a pipe or a terminal.
int IsDiskFile(int fd);

// --- Faults (DISK_FAULTS=FILE): lines "ACTION CALL PATTERN [COUNT]" in the file's first 4096 bytes, which may change
// at any time. ACTION is an errno's name; "short": half of the bytes are written or read; or "kill": at the COUNT-th
// call that fits, a write half done. CALL is one of those that disk_calls.c names, or "any"; PATTERN is a part of the
// path. True: the call fails, errno is set. `*length` may become less.
int DiskFault(const char* call, int folder, const char* path, size_t* length);
// After a write: where it was to be cut off by a kill.
void AfterFault(void);

#endif  // TORRENT_TEST_INTERPOSE_DISK_H_
