// The resume record as it may have become on the disk: as it lies there, and, because a checksum keeps most of that
// out, as the value that a right checksum is put beside.
#include "storage/resume_record.h"

#include "absl/strings/str_cat.h"
#include "base/sha1.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/small_torrent.h"

namespace torrent::fuzz {
namespace {

void DecodeRecord(absl::string_view bytes) {
  const Metainfo& metainfo = *SmallTorrent().metainfo;
  const absl::StatusOr<ResumeRecord> record = DecodeResumeRecord(bytes, metainfo);
  if (!record.ok()) return;
  FUZZ_CHECK(record->pieces.size() == metainfo.piece_count && record->files.size() == metainfo.files.size());
  for (const UnfinishedPiece& piece : record->unfinished) {
    FUZZ_CHECK(piece.piece_index < metainfo.piece_count && !record->pieces[piece.piece_index]);
  }
  const absl::StatusOr<ResumeRecord> again = DecodeResumeRecord(EncodeResumeRecord(*record), metainfo);
  FUZZ_CHECK(again.ok() && *again == *record);
}

}  // namespace

FUZZ_TARGET(resume_record) {
  DecodeRecord(input);
  DecodeRecord(absl::StrCat("d6:record", input, "4:sha120:", Sha1::Of(input).Raw(), "e"));
}

}  // namespace torrent::fuzz
