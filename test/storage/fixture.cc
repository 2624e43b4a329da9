#include "test/storage/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/sha1.h"

namespace torrent {

namespace {

int RemoveOne(const char* path, const struct stat*, int, struct FTW*) { return remove(path); }

}  // namespace

TempDir::TempDir() {
  const char* root = getenv("TMPDIR");
  path_ = std::string(root != nullptr ? root : "/tmp") + "/torrent-storage-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) abort();
}

TempDir::~TempDir() { nftw(path_.c_str(), RemoveOne, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); }

SmallDisk::SmallDisk(const std::string& size) {
  mounted_ = mount("small-disk", dir_.path().c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
}

SmallDisk::~SmallDisk() {
  if (mounted_) umount2(dir_.path().c_str(), MNT_DETACH);
}

std::string ReadFile(const std::string& path) {
  std::string out;
  FILE* file = fopen(path.c_str(), "rb");
  if (file == nullptr) return out;
  char buffer[65536];
  size_t n;
  while ((n = fread(buffer, 1, sizeof buffer, file)) > 0) out.append(buffer, n);
  fclose(file);
  return out;
}

void WriteFile(const std::string& path, const std::string& bytes) {
  FILE* file = fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr) << path;
  ASSERT_EQ(fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  ASSERT_EQ(fclose(file), 0);
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

uint64_t SizeOf(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

TestTorrent::TestTorrent(const std::vector<TestFile>& files, uint32_t piece_length)
    : metainfo(std::make_shared<Metainfo>()) {
  Random random(files.size() * 1000 + piece_length);
  for (const TestFile& file : files) {
    MetainfoFile entry;
    entry.path = file.path;
    entry.offset = bytes.size();
    entry.length = file.length;
    entry.pad = file.pad;
    entry.executable = file.executable;
    metainfo->files.push_back(entry);
    for (uint64_t i = 0; i < file.length; i++) bytes.push_back(file.pad ? '\0' : static_cast<char>(random.Next()));
  }
  metainfo->name = "test";
  metainfo->total_length = bytes.size();
  metainfo->piece_length = piece_length;
  metainfo->piece_count = static_cast<uint32_t>((bytes.size() + piece_length - 1) / piece_length);
  metainfo->multi_file = files.size() > 1;
  for (size_t at = 0; at < bytes.size(); at += piece_length) {
    absl::StrAppend(&metainfo->info_bytes, Sha1::Of(absl::string_view(bytes).substr(at, piece_length)).Raw());
  }
  metainfo->infohash = Sha1::Of(metainfo->info_bytes);
  Open();
}

void TestTorrent::Open(std::vector<bool> wanted) {
  store.reset();
  FileStore::Options options;
  options.output_dir = dir.path();
  options.wanted = std::move(wanted);
  options.part_file = state / "test.part";
  options.pool = &pool;
  auto opened = FileStore::Open(metainfo, options);
  ASSERT_TRUE(opened.ok()) << opened.status();
  store = *std::move(opened);
}

absl::Status TestTorrent::Write(uint64_t offset, uint64_t length) {
  iovec part = {&bytes[offset], length};
  return store->WriteRun(offset, absl::MakeConstSpan(&part, 1));
}

absl::Status TestTorrent::WritePiece(uint32_t piece_index) {
  return Write(store->layout().PieceOffset(piece_index), store->layout().PieceBytes(piece_index));
}

std::string TestTorrent::Read(uint64_t offset, uint64_t length) {
  std::string out(length, '?');
  absl::Status read = store->ReadAt(offset, absl::MakeSpan(reinterpret_cast<uint8_t*>(out.data()), out.size()));
  return read.ok() ? out : read.ToString();
}

std::string TestTorrent::FileBytes(size_t i) const {
  return bytes.substr(metainfo->files[i].offset, metainfo->files[i].length);
}

void TestTorrent::PutFile(size_t i) const {
  const std::string path = dir / metainfo->files[i].path;
  for (size_t slash = path.find('/', dir.path().size() + 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0777);
  }
  WriteFile(path, FileBytes(i));
}

}  // namespace torrent
