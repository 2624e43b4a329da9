#include "storage/file_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status.h"
#include "storage/file_system.h"
#include "storage/iovec_cursor.h"

namespace torrent {

namespace {

// iovecs of one pwritev: 1 MiB of blocks in two buffers each. Twice as many cost each peer's thread a page of its
// stack.
constexpr size_t kMaxIovecs = 128;

std::string FolderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Reads exactly out.size() bytes. DataLoss when the file ends before.
absl::Status ReadFull(int fd, uint64_t offset, absl::Span<uint8_t> out, const Folder& folder, absl::string_view path) {
  while (!out.empty()) {
    ssize_t n = pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(errno, "read", folder.PathOf(path));
    if (n == 0) {
      return absl::DataLossError(
          absl::StrCat(folder.PathOf(path), " is too short: ends before byte ", offset + out.size()));
    }
    out.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

}  // namespace

FileStore::FileStore(std::shared_ptr<const Metainfo> metainfo, Options options, std::unique_ptr<Folder> folder)
    : metainfo_(std::move(metainfo)),
      layout_(*metainfo_),
      folder_(std::move(folder)),
      pool_(options.pool),
      wanted_(std::move(options.wanted)),
      in_part_file_(metainfo_->files.size()),
      part_dir_(FolderOf(options.part_file)),
      part_name_(NameOf(options.part_file)),
      is_dirty_(metainfo_->files.size() + 1),
      written_ends_(metainfo_->files.size() + 1) {}

FileStore::~FileStore() {
  pool_->Drop(*folder_);
  MutexLock lock(&mutex_);
  if (part_folder_ != nullptr) pool_->Drop(*part_folder_);
}

absl::StatusOr<std::unique_ptr<FileStore>> FileStore::Open(std::shared_ptr<const Metainfo> metainfo, Options options) {
  const size_t count = metainfo->files.size();
  if (options.wanted.empty()) options.wanted.assign(count, true);
  if (options.wanted.size() != count) {
    return absl::InvalidArgumentError(
        absl::StrCat("a selection of ", options.wanted.size(), " files for a torrent of ", count));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> folder, Folder::Open(options.output_dir, options.create_output_dir));
  std::unique_ptr<FileStore> store(new FileStore(std::move(metainfo), std::move(options), std::move(folder)));
  for (uint32_t i = 0; i < count; i++) {
    if (store->wanted_[i] || store->PlaceOf(i) == Place::kPad) continue;
    // What is in the way of a file that nobody wants (a link, say) is left alone like the file itself.
    absl::StatusOr<FileStat> stat = store->folder_->Stat(store->metainfo_->files[i].path);
    if (!stat.ok() || !stat->exists) store->in_part_file_[i] = true;
  }
  return store;
}

FileStore::Place FileStore::PlaceOf(uint32_t file_index) const {
  const MetainfoFile& file = metainfo_->files[file_index];
  if (file.pad || file.symlink) return Place::kPad;
  return in_part_file_[file_index] ? Place::kPartFile : Place::kFile;
}

absl::StatusOr<Folder*> FileStore::PartFolder(bool create) const {
  {
    MutexLock lock(&mutex_);
    if (part_folder_ != nullptr) return part_folder_.get();
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> folder, Folder::Open(part_dir_, create));
  MutexLock lock(&mutex_);
  if (part_folder_ == nullptr) part_folder_ = std::move(folder);
  return part_folder_.get();
}

absl::StatusOr<FileStore::Home> FileStore::HomeOfFile(uint32_t number, bool create) {
  Home home;
  home.number = number;
  if (number == part_number()) {
    ASSIGN_OR_RETURN(home.folder, PartFolder(create));
    home.path = part_name_;
  } else {
    home.folder = folder_.get();
    home.path = metainfo_->files[number].path;
    home.executable = metainfo_->files[number].executable;
  }
  return home;
}

absl::StatusOr<FileStore::Home> FileStore::HomeOf(const FileSpan& span, bool create) {
  const bool in_part_file = in_part_file_[span.file_index];
  ASSIGN_OR_RETURN(Home home, HomeOfFile(in_part_file ? part_number() : span.file_index, create));
  // The part file is sparse and lays bytes out as the torrent does: it needs no index.
  home.offset = span.offset + (in_part_file ? metainfo_->files[span.file_index].offset : 0);
  return home;
}

absl::StatusOr<FileLease> FileStore::Lend(const Home& home, Folder::Access access) {
  return pool_->Lend(home.folder, home.number, home.path, access, home.executable);
}

absl::Status FileStore::ReadAt(uint64_t offset, absl::Span<uint8_t> out) {
  for (const FileSpan& span : layout_.FileSpans(offset, out.size())) {
    absl::Span<uint8_t> part = out.first(span.length);
    out.remove_prefix(span.length);
    if (PlaceOf(span.file_index) == Place::kPad) {
      memset(part.data(), 0, part.size());
      continue;
    }
    ASSIGN_OR_RETURN(Home home, HomeOf(span, /*create=*/false));
    ASSIGN_OR_RETURN(FileLease file, Lend(home, Folder::Access::kRead));
    RETURN_IF_ERROR(ReadFull(file->fd.get(), home.offset, part, *home.folder, home.path));
  }
  return absl::OkStatus();
}

absl::Status FileStore::WriteRun(uint64_t offset, absl::Span<const iovec> bytes) {
  uint64_t length = 0;
  for (const iovec& part : bytes) length += part.iov_len;
  IovecCursor cursor(bytes);
  for (const FileSpan& span : layout_.FileSpans(offset, length)) {
    if (PlaceOf(span.file_index) == Place::kPad) {
      cursor.Advance(span.length);
      continue;
    }
    ASSIGN_OR_RETURN(Home home, HomeOf(span, /*create=*/true));
    RETURN_IF_ERROR(WriteTo(home, span.length, &cursor));
  }
  return absl::OkStatus();
}

absl::Status FileStore::WriteTo(const Home& home, uint64_t length, IovecCursor* bytes) {
  ASSIGN_OR_RETURN(FileLease file, Lend(home, Folder::Access::kCreate));
  RETURN_IF_ERROR(CheckNotCut(home, file->fd.get()));
  uint64_t offset = home.offset;
  absl::Status result;
  while (length > 0) {
    iovec chunk[kMaxIovecs];
    const size_t count = bytes->Gather(length, absl::MakeSpan(chunk));
    const ssize_t n = pwritev(file->fd.get(), chunk, static_cast<int>(count), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      result = FileError(n < 0 ? errno : EIO, "write", home.folder->PathOf(home.path), file->fd.get());
      break;
    }
    bytes->Advance(static_cast<uint64_t>(n));
    length -= static_cast<uint64_t>(n);
    offset += static_cast<uint64_t>(n);
  }
  // After the write: a sync that came between mark and write would take the mark and miss the bytes.
  MarkDirty(home.number, offset);
  return result;
}

absl::Status FileStore::CheckNotCut(const Home& home, int fd) {
  uint64_t end;
  {
    MutexLock lock(&mutex_);
    end = written_ends_[home.number];
  }
  struct stat info;
  if (end == 0 || fstat(fd, &info) != 0 || static_cast<uint64_t>(info.st_size) >= end) return absl::OkStatus();
  return Lost(absl::DataLossError(absl::StrCat(home.folder->PathOf(home.path), " was cut to ", info.st_size,
                                               " bytes while it was written; it had ", end)));
}

absl::StatusOr<FileRange> FileStore::Lease(uint64_t offset, uint64_t length) {
  const auto spans = layout_.FileSpans(offset, length);
  if (spans.empty()) return absl::InvalidArgumentError("a lease of no byte");
  FileRange range;
  range.length = spans[0].length;
  if (PlaceOf(spans[0].file_index) == Place::kPad) return range;
  ASSIGN_OR_RETURN(Home home, HomeOf(spans[0], /*create=*/false));
  ASSIGN_OR_RETURN(range.file, Lend(home, Folder::Access::kRead));
  range.offset = home.offset;
  return range;
}

void FileStore::Prefetch(uint64_t offset, uint64_t length) {
  for (const FileSpan& span : layout_.FileSpans(offset, length)) {
    if (PlaceOf(span.file_index) == Place::kPad) continue;
    absl::StatusOr<Home> home = HomeOf(span, /*create=*/false);
    if (!home.ok()) continue;
    absl::StatusOr<FileLease> file = Lend(*home, Folder::Access::kRead);
    if (!file.ok()) continue;
    posix_fadvise((*file)->fd.get(), static_cast<off_t>(home->offset), static_cast<off_t>(span.length),
                  POSIX_FADV_WILLNEED);
  }
}

FileStore::Presence FileStore::Probe(uint64_t offset, uint64_t length) {
  Presence presence;
  for (const FileSpan& span : layout_.FileSpans(offset, length)) {
    if (PlaceOf(span.file_index) == Place::kPad) continue;
    absl::StatusOr<Home> home = HomeOf(span, /*create=*/false);
    absl::StatusOr<FileLease> file = home.ok() ? Lend(*home, Folder::Access::kRead) : home.status();
    if (!file.ok()) {
      if (absl::IsNotFound(file.status())) {
        presence.complete = false;
      } else {
        presence.data = true;
      }
      continue;
    }
    const int fd = (*file)->fd.get();
    const uint64_t end = home->offset + span.length;
    struct stat info;
    if (fstat(fd, &info) == 0 && static_cast<uint64_t>(info.st_size) < end) presence.complete = false;
    if (presence.data) continue;
    off_t data = lseek(fd, static_cast<off_t>(home->offset), SEEK_DATA);
    presence.data = data < 0 ? errno != ENXIO : static_cast<uint64_t>(data) < end;
  }
  return presence;
}

absl::Status FileStore::CreateEmptyFiles() {
  for (uint32_t i = 0; i < metainfo_->files.size(); i++) {
    const MetainfoFile& file = metainfo_->files[i];
    if (file.length != 0 || !wanted_[i] || PlaceOf(i) != Place::kFile) continue;
    ASSIGN_OR_RETURN(FileStat there, Stat(i));
    if (there.exists) continue;  // on a read-only medium, perhaps
    RETURN_IF_ERROR(folder_->OpenFile(file.path, Folder::Access::kCreate, file.executable).status());
  }
  return absl::OkStatus();
}

absl::Status FileStore::Allocate() {
  for (uint32_t i = 0; i < metainfo_->files.size(); i++) {
    const MetainfoFile& file = metainfo_->files[i];
    if (file.length == 0 || !wanted_[i] || PlaceOf(i) != Place::kFile) continue;
    struct stat info;
    absl::StatusOr<UniqueFd> there = folder_->OpenFile(file.path, Folder::Access::kRead);
    if (there.ok() && fstat(there->get(), &info) == 0 && static_cast<uint64_t>(info.st_size) >= file.length &&
        static_cast<uint64_t>(info.st_blocks) * 512 >= file.length) {
      continue;
    }
    ASSIGN_OR_RETURN(UniqueFd fd, folder_->OpenFile(file.path, Folder::Access::kCreate, file.executable));
    // The system call, not posix_fallocate: glibc's falls back to writing into every block.
    int error;
    do {
      error = fallocate(fd.get(), 0, 0, static_cast<off_t>(file.length)) == 0 ? 0 : errno;
    } while (error == EINTR);
    if (error == EOPNOTSUPP || error == ENOSYS) return absl::OkStatus();
    if (error != 0) return FileError(error, "reserve space for", PathOf(i), fd.get());
    MarkDirty(i);
  }
  return absl::OkStatus();
}

absl::StatusOr<FileStat> FileStore::Stat(uint32_t file_index) const {
  if (PlaceOf(file_index) != Place::kFile) return FileStat();
  return folder_->Stat(metainfo_->files[file_index].path);
}

absl::StatusOr<FileStat> FileStore::StatPartFile() const {
  if (part_name_.empty()) return FileStat();
  absl::StatusOr<Folder*> folder = PartFolder(/*create=*/false);
  if (absl::IsNotFound(folder.status())) return FileStat();
  if (!folder.ok()) return folder.status();
  return (*folder)->Stat(part_name_);
}

void FileStore::UsePartFile(uint32_t file_index) {
  if (PlaceOf(file_index) == Place::kFile && !wanted_[file_index]) in_part_file_[file_index] = true;
}

absl::Status FileStore::BringHome(const std::vector<bool>& was_in_part_file) {
  FileLease part;
  for (uint32_t i = 0; i < metainfo_->files.size() && i < was_in_part_file.size(); i++) {
    if (!was_in_part_file[i] || !wanted_[i] || PlaceOf(i) != Place::kFile) continue;
    ASSIGN_OR_RETURN(FileStat there, Stat(i));
    if (there.exists) continue;
    if (part == nullptr) {
      absl::StatusOr<Home> home = HomeOfFile(part_number(), /*create=*/false);
      absl::StatusOr<FileLease> lent = home.ok() ? Lend(*home, Folder::Access::kRead) : home.status();
      if (absl::IsNotFound(lent.status())) return absl::OkStatus();
      if (!lent.ok()) return lent.status();
      part = *std::move(lent);
    }
    RETURN_IF_ERROR(CopyFromPartFile(i, part->fd.get()));
  }
  return absl::OkStatus();
}

absl::Status FileStore::CopyFromPartFile(uint32_t file_index, int part_fd) {
  const MetainfoFile& file = metainfo_->files[file_index];
  const uint64_t end = file.offset + file.length;
  std::vector<uint8_t> buffer(kVerifyBufferBytes);
  uint64_t at = file.offset;
  while (at < end) {
    off_t data = lseek(part_fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    if (data >= 0) at = static_cast<uint64_t>(data);
    if (at >= end) break;
    ssize_t n = pread(part_fd, buffer.data(), std::min<uint64_t>(buffer.size(), end - at), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError(errno, "read", absl::StrCat(part_dir_, "/", part_name_));
    if (n == 0) break;
    const bool zeros = std::all_of(buffer.begin(), buffer.begin() + n, [](uint8_t byte) { return byte == 0; });
    iovec bytes = {buffer.data(), static_cast<size_t>(n)};
    if (!zeros) RETURN_IF_ERROR(WriteRun(at, absl::MakeConstSpan(&bytes, 1)));
    at += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

std::string FileStore::DescribeFileSystem() const { return torrent::DescribeFileSystem(folder_->fd()); }

uint64_t FileStore::free_bytes() const { return FreeBytes(folder_->fd()); }

}  // namespace torrent
