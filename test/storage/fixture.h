// What the storage tests share: a folder that goes away by itself, and a small torrent with known bytes.
#ifndef TORRENT_TEST_STORAGE_FIXTURE_H_
#define TORRENT_TEST_STORAGE_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/file_pool.h"
#include "storage/file_store.h"
#include "torrent/metainfo.h"

namespace torrent {

// How long a test waits for what comes at once.
inline constexpr std::chrono::seconds kSoon{20};

#define ASSERT_OK(expression) ASSERT_EQ((expression), absl::OkStatus())
#define EXPECT_OK(expression) EXPECT_EQ((expression), absl::OkStatus())

class TempDir {
 public:
  TempDir();
  ~TempDir();
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A small file system of its own, so that a disk can be full. Needs root; `mounted` says whether it is there.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size);
  ~SmallDisk();
  bool mounted() const { return mounted_; }
  const std::string& path() const { return dir_.path(); }

 private:
  TempDir dir_;
  bool mounted_ = false;
};

std::string ReadFile(const std::string& path);  // "" when missing
void WriteFile(const std::string& path, const std::string& bytes);
bool Exists(const std::string& path);
uint64_t SizeOf(const std::string& path);

struct TestFile {
  std::string path;
  uint64_t length;
  bool pad = false;
  bool executable = false;
};

// A torrent with pseudorandom bytes (zeros in pads), and a store of it in a fresh folder.
struct TestTorrent {
  TestTorrent(const std::vector<TestFile>& files, uint32_t piece_length);

  // Opens (again) a store with these files wanted (empty: all).
  void Open(std::vector<bool> wanted = {});
  // Writes a piece's bytes through the store.
  absl::Status WritePiece(uint32_t piece_index);
  absl::Status Write(uint64_t offset, uint64_t length);
  std::string Read(uint64_t offset, uint64_t length);
  // The bytes that file `i` should have.
  std::string FileBytes(size_t i) const;
  // Puts them on disk, past the store.
  void PutFile(size_t i) const;
  std::string OnDisk(size_t i) const { return ReadFile(dir / metainfo->files[i].path); }

  TempDir dir;
  TempDir state;
  std::string bytes;  // the whole torrent
  std::shared_ptr<Metainfo> metainfo;
  FilePool pool;
  std::unique_ptr<FileStore> store;
};

}  // namespace torrent

#endif  // TORRENT_TEST_STORAGE_FIXTURE_H_
