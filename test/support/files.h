// Folders that go away by themselves, a disk that can be full, and files as whole strings: what tests with a file
// system need.
#ifndef TORRENT_TEST_SUPPORT_FILES_H_
#define TORRENT_TEST_SUPPORT_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace torrent::test {

// A fresh folder below $TMPDIR, removed with all that is in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A small file system of its own, so that a disk can be full. Needs root; `mounted` says whether it is there.
class SmallDisk {
 public:
  explicit SmallDisk(uint64_t bytes);
  ~SmallDisk();
  bool mounted() const { return mounted_; }
  const std::string& path() const { return folder_.path(); }
  // Makes room (or takes it away) while it is in use.
  bool Resize(uint64_t bytes);

 private:
  TempFolder folder_;
  bool mounted_ = false;
};

std::string ReadFile(const std::string& path);  // "" when missing
void WriteFile(const std::string& path, const std::string& bytes);
bool Exists(const std::string& path);
// The first byte at `offset` becomes another one; the file's length stays.
void FlipByte(const std::string& path, uint64_t offset);
// Paths of all files below `folder`, relative to it, sorted; folders themselves are not named.
std::vector<std::string> FilesBelow(const std::string& folder);
// Copies the files that lie directly in `from` to `to`, which exists.
void CopyFolder(const std::string& from, const std::string& to);

// Threads of this process, as the kernel counts them.
int ThreadCount();
// A thread is counted until the kernel has buried it, a moment after it was joined: whether there are `count` (or
// fewer) within a generous while.
bool WaitForThreadCount(int count);
// The same of open descriptors.
int DescriptorCount();
bool WaitForDescriptorCount(int count);

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_FILES_H_
