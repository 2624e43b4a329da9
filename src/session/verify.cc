// VerifyFiles of the public face: which files of a download are whole.
#include <algorithm>

#include "base/status.h"
#include "storage/file_store.h"
#include "storage/verifier.h"
#include "torrent/session.h"

namespace torrent {

absl::StatusOr<VerifyReport> VerifyFiles(const Metainfo& metainfo, const std::string& output_dir,
                                         const std::function<void(uint64_t done, uint64_t total)>& progress) {
  FilePool pool;
  FileStore::Options options;
  options.output_dir = output_dir;
  options.create_output_dir = false;
  options.pool = &pool;
  // The caller's metainfo outlives this call.
  std::shared_ptr<const Metainfo> borrowed(&metainfo, [](const Metainfo*) {});
  ASSIGN_OR_RETURN(std::unique_ptr<FileStore> store, FileStore::Open(borrowed, std::move(options)));
  VerifyOptions verify;
  verify.progress = [&progress](uint64_t done, uint64_t total) {
    if (progress) progress(done, total);
    return true;
  };
  ASSIGN_OR_RETURN(VerifyResult result, Verify(store.get(), verify));
  RETURN_IF_ERROR(result.read_error);
  VerifyReport report;
  for (uint32_t i = 0; i < metainfo.piece_count; i++) report.good_pieces += result.good(i);
  report.all_whole = true;
  const std::vector<FileState> states = CheckFiles(*store, result);
  for (size_t i = 0; i < states.size(); i++) {
    FileCheck file;
    switch (states[i].state) {
      case FileState::State::kWhole:
        file.result = FileCheck::Result::kWhole;
        break;
      case FileState::State::kMissing:
        file.result = FileCheck::Result::kMissing;
        break;
      case FileState::State::kShort:
      case FileState::State::kBad:
        file.result = FileCheck::Result::kBad;
        break;
    }
    if (metainfo.files[i].pad || metainfo.files[i].symlink) file.result = FileCheck::Result::kWhole;
    file.bad_bytes =
        std::min<uint64_t>(uint64_t{states[i].bad_pieces} * metainfo.piece_length, metainfo.files[i].length);
    report.all_whole &= file.result == FileCheck::Result::kWhole;
    report.files.push_back(file);
  }
  return report;
}

}  // namespace torrent
