#include "storage/opening.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace torrent {

namespace {

bool IsReal(const MetainfoFile& file) { return !file.pad && !file.symlink; }

// Whether what the record says of a file no longer holds. In a run that ended badly a newer time or a larger size is
// our own writing; only a file that lost something speaks against the record.
bool Changed(const FileStat& then, const FileStat& now, bool running) {
  if (!running) return !(then == now);
  return then.exists && (!now.exists || now.size < then.size);
}

bool FileChanged(const FilesNow& now, const ResumeRecord& record, uint32_t i) {
  if (now.in_part_file[i] != record.in_part_file[i]) return true;
  if (now.in_part_file[i]) return Changed(record.part_file, now.part_file, record.running);
  return Changed(record.files[i], now.files[i], record.running);
}

// Bytes of the file that are there, counted from its beginning.
uint64_t BytesThere(const MetainfoFile& file, const FilesNow& now, uint32_t i) {
  if (!IsReal(file)) return file.length;
  if (!now.in_part_file[i]) return std::min(now.files[i].size, file.length);
  return now.part_file.size <= file.offset ? 0 : std::min(now.part_file.size - file.offset, file.length);
}

void SetRange(std::vector<bool>* bits, std::pair<uint32_t, uint32_t> range, bool value) {
  std::fill(bits->begin() + range.first, bits->begin() + range.second, value);
}

bool AnyInRange(const std::vector<bool>& bits, std::pair<uint32_t, uint32_t> range) {
  return std::find(bits.begin() + range.first, bits.begin() + range.second, true) != bits.begin() + range.second;
}

// A file that nobody may overwrite unasked, unless hashing finds that it is this torrent's: no record knows it, or the
// record knows another with finished pieces in its place.
bool IsUnknown(const MetainfoFile& file, const PieceLayout& layout, const FilesNow& now, const ResumeRecord* record,
               uint32_t i) {
  if (!IsReal(file) || file.length == 0 || now.in_part_file[i] || now.files[i].size == 0) return false;
  if (record == nullptr) return true;
  if (record->running || record->in_part_file[i]) return false;
  if (!record->files[i].exists) return true;
  return FileChanged(now, *record, i) && AnyInRange(record->pieces, layout.PiecesOfFile(i));
}

absl::Status CheckMounted(const FilesNow& now, const ResumeRecord& record) {
  if (now.device == record.device) return absl::OkStatus();
  bool any_then = false;
  for (size_t i = 0; i < now.files.size(); i++) {
    if (now.files[i].exists) return absl::OkStatus();
    any_then = any_then || record.files[i].exists;
  }
  if (!any_then) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the files of this download are gone and ", record.output_dir,
                                                    " is on another device (", now.device, ") than before (",
                                                    record.device, "): is its disk mounted?"));
}

}  // namespace

bool Opening::needs_hashing() const { return std::find(must_hash.begin(), must_hash.end(), true) != must_hash.end(); }

absl::StatusOr<FilesNow> LookAtFiles(const FileStore& store) {
  const size_t count = store.metainfo().files.size();
  FilesNow now;
  now.device = store.device();
  bool any_in_part_file = false;
  for (uint32_t i = 0; i < count; i++) {
    ASSIGN_OR_RETURN(FileStat stat, store.Stat(i));
    now.files.push_back(stat);
    now.wanted.push_back(store.wanted(i));
    now.in_part_file.push_back(store.in_part_file(i));
    any_in_part_file = any_in_part_file || store.in_part_file(i);
  }
  if (any_in_part_file) {
    ASSIGN_OR_RETURN(now.part_file, store.StatPartFile());
  }
  return now;
}

absl::StatusOr<Opening> DecideOpening(const Metainfo& metainfo, const PieceLayout& layout, const FilesNow& now,
                                      const ResumeRecord* record, const std::vector<uint32_t>& replaced) {
  if (record != nullptr) RETURN_IF_ERROR(CheckMounted(now, *record));
  // What each file says about its pieces: some of their bytes are in doubt; some are not there at all.
  std::vector<bool> in_doubt(metainfo.piece_count, record == nullptr);
  std::vector<bool> there(metainfo.piece_count, true);
  Opening opening;
  for (uint32_t i = 0; i < metainfo.files.size(); i++) {
    const MetainfoFile& file = metainfo.files[i];
    const bool another = std::find(replaced.begin(), replaced.end(), i) != replaced.end();
    if (IsUnknown(file, layout, now, another ? nullptr : record, i)) opening.unknown_files.push_back(i);
    const auto pieces = layout.PiecesOfFile(i);
    if (record != nullptr && IsReal(file) && (another || FileChanged(now, *record, i))) {
      SetRange(&in_doubt, pieces, true);
    }
    const uint64_t bytes_there = BytesThere(file, now, i);
    if (bytes_there == file.length) continue;
    const auto first = static_cast<uint32_t>((file.offset + bytes_there) / metainfo.piece_length);
    SetRange(&there, {first, pieces.second}, false);
  }

  opening.have.resize(metainfo.piece_count);
  opening.must_hash.resize(metainfo.piece_count);
  opening.hash_before_serving.resize(metainfo.piece_count);
  for (uint32_t piece = 0; piece < metainfo.piece_count; piece++) {
    if (!there[piece]) continue;
    if (in_doubt[piece]) {
      opening.must_hash[piece] = true;
    } else if (record->pieces[piece]) {
      opening.have[piece] = true;
      opening.hash_before_serving[piece] = record->running;
    }
  }
  if (record != nullptr) {
    for (const UnfinishedPiece& piece : record->unfinished) {
      if (!in_doubt[piece.piece_index]) opening.unfinished.push_back(piece);
    }
  }
  return opening;
}

std::vector<uint32_t> ApplyHashes(const PieceLayout& layout, const VerifyResult& result, Opening* opening) {
  for (uint32_t piece = 0; piece < opening->must_hash.size(); piece++) {
    if (opening->must_hash[piece] && result.good(piece)) opening->have[piece] = true;
  }
  std::vector<uint32_t> foreign;
  for (uint32_t i : opening->unknown_files) {
    if (!AnyInRange(opening->have, layout.PiecesOfFile(i))) foreign.push_back(i);
  }
  return foreign;
}

absl::StatusOr<Opening> OpenDownload(FileStore* store, const ResumeRecord* record, const OpeningOptions& options) {
  const Metainfo& metainfo = store->metainfo();
  const PieceLayout& layout = store->layout();
  if (record != nullptr) RETURN_IF_ERROR(store->BringHome(record->in_part_file));
  ASSIGN_OR_RETURN(FilesNow now, LookAtFiles(*store));
  ASSIGN_OR_RETURN(Opening opening, DecideOpening(metainfo, layout, now, record, options.replaced));

  VerifyResult result;
  if (opening.needs_hashing()) {
    VerifyOptions verify;
    verify.pieces = opening.must_hash;
    verify.progress = options.progress;
    ASSIGN_OR_RETURN(result, Verify(store, verify));
    // A bad sector costs its piece; a file that may not be read would only look like somebody else's.
    if (absl::IsPermissionDenied(result.read_error)) return result.read_error;
  } else {
    result.pieces.resize(metainfo.piece_count, PieceCheck::kNotAsked);
  }
  for (uint32_t i : ApplyHashes(layout, result, &opening)) {
    if (!store->wanted(i)) {
      store->UsePartFile(i);
    } else if (!options.overwrite) {
      return absl::AlreadyExistsError(
          absl::StrCat(store->PathOf(i), " exists and holds nothing of this torrent; --overwrite replaces it"));
    }
  }
  // Hashing read what the kernel has, which need not be on the disk yet: the first checkpoint sees to it.
  for (uint32_t i = 0; i < metainfo.files.size(); i++) {
    const auto [begin, end] = layout.PiecesOfFile(i);
    for (uint32_t piece = begin; piece < end; piece++) {
      if (opening.must_hash[piece] && opening.have[piece]) {
        store->NoteUnsynced(i);
        break;
      }
    }
  }
  return opening;
}

}  // namespace torrent
