// What a full disk's message needs: which file system a path lies on, where it is mounted, and what is free; and how a
// name is made to last. Thread-safe; asks the system at each call.
#ifndef TORRENT_STORAGE_FILE_SYSTEM_H_
#define TORRENT_STORAGE_FILE_SYSTEM_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace torrent {

// For the file system of an open file or folder: "/dev/sda1 on /data: 0 B of 500.1 GB free". As much of it as is known.
std::string DescribeFileSystem(int fd);
// Bytes that this user may still write; 0 when unknown.
uint64_t FreeBytes(int fd);

// `error_number` as a Status with `doing` ("write", "open") and the path: "write /data/a: No space left on device
// (/dev/sda1 on /data: 0 B of 500.1 GB free)". `fd` is of that file system, for that text; -1: none.
absl::Status FileError(int error_number, absl::string_view doing, absl::string_view path, int fd = -1);

// Whole blocks of the file that a bound on their number or a quota stopped: the kind of error that goes away by itself.
bool IsDiskFull(int error_number);

// Makes the name `path`, which was just made or changed, outlast a power cut: fsync of the folder that holds it.
absl::Status SyncNameOf(const std::string& path);

}  // namespace torrent

#endif  // TORRENT_STORAGE_FILE_SYSTEM_H_
