#include "test/support/files.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "base/clock.h"

namespace torrent::test {

namespace {

int RemoveOne(const char* path, const struct stat*, int, struct FTW*) { return remove(path); }

// Calls `visit` with the name and type of each entry but "." and "..".
template <typename Visit>
void ForEachEntry(const std::string& folder, Visit visit) {
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return;
  while (dirent* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") visit(name, entry->d_type);
  }
  closedir(dir);
}

void AddFilesBelow(const std::string& folder, const std::string& prefix, std::vector<std::string>* files) {
  ForEachEntry(folder, [&](const std::string& name, unsigned char type) {
    if (type == DT_DIR) {
      AddFilesBelow(absl::StrCat(folder, "/", name), absl::StrCat(prefix, name, "/"), files);
    } else {
      files->push_back(prefix + name);
    }
  });
}

}  // namespace

TempFolder::TempFolder() {
  const char* root = getenv("TMPDIR");
  path_ = absl::StrCat(root != nullptr ? root : "/tmp", "/torrent-test-XXXXXX");
  if (mkdtemp(path_.data()) == nullptr) abort();
}

TempFolder::~TempFolder() { nftw(path_.c_str(), RemoveOne, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); }

SmallDisk::SmallDisk(uint64_t bytes) {
  mounted_ = mount("small-disk", path().c_str(), "tmpfs", 0, absl::StrCat("size=", bytes).c_str()) == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) umount2(path().c_str(), MNT_DETACH);
}

bool SmallDisk::Resize(uint64_t bytes) {
  return mount("small-disk", path().c_str(), "tmpfs", MS_REMOUNT, absl::StrCat("size=", bytes).c_str()) == 0;
}

std::string ReadFile(const std::string& path) {
  std::string bytes;
  FILE* file = fopen(path.c_str(), "rb");
  if (file == nullptr) return bytes;
  char buffer[65536];
  size_t n;
  while ((n = fread(buffer, 1, sizeof buffer, file)) > 0) bytes.append(buffer, n);
  fclose(file);
  return bytes;
}

void WriteFile(const std::string& path, const std::string& bytes) {
  FILE* file = fopen(path.c_str(), "wb");
  if (file == nullptr || fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() || fclose(file) != 0) {
    perror(path.c_str());
    abort();
  }
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

void FlipByte(const std::string& path, uint64_t offset) {
  FILE* file = fopen(path.c_str(), "r+b");
  if (file == nullptr) abort();
  fseek(file, static_cast<long>(offset), SEEK_SET);
  const int byte = fgetc(file);
  fseek(file, static_cast<long>(offset), SEEK_SET);
  fputc(byte ^ 0x55, file);
  fclose(file);
}

std::vector<std::string> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  AddFilesBelow(folder, "", &files);
  std::sort(files.begin(), files.end());
  return files;
}

void CopyFolder(const std::string& from, const std::string& to) {
  ForEachEntry(from, [&](const std::string& name, unsigned char type) {
    if (type == DT_REG) WriteFile(absl::StrCat(to, "/", name), ReadFile(absl::StrCat(from, "/", name)));
  });
}

namespace {

int EntriesOf(const std::string& folder) {
  int count = 0;
  ForEachEntry(folder, [&count](const std::string&, unsigned char) { count++; });
  return count;
}

bool WaitForEntries(const std::string& folder, int count) {
  const TimePoint deadline = Now() + std::chrono::seconds(10);
  while (EntriesOf(folder) > count) {
    if (Now() > deadline) return false;
    usleep(1000);
  }
  return true;
}

}  // namespace

int ThreadCount() { return EntriesOf("/proc/self/task"); }
bool WaitForThreadCount(int count) { return WaitForEntries("/proc/self/task", count); }
int DescriptorCount() { return EntriesOf("/proc/self/fd"); }
bool WaitForDescriptorCount(int count) { return WaitForEntries("/proc/self/fd", count); }

}  // namespace torrent::test
