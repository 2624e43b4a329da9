#include "test/support/payload.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/random.h"
#include "base/sha1.h"
#include "test/support/files.h"

namespace torrent::test {

namespace {

std::string Bencoded(absl::string_view text) { return absl::StrCat(text.size(), ":", text); }

}  // namespace

Payload::Payload(const std::string& name, uint64_t length, uint32_t piece_length, bool is_private) {
  Fill(length, length + piece_length, /*zeros=*/false);
  Make(name, absl::StrCat("6:lengthi", length, "e"), piece_length, is_private);
}

Payload::Payload(const std::string& name, const std::vector<PayloadFile>& files, uint32_t piece_length) {
  std::string list = "5:filesl";
  for (size_t i = 0; i < files.size(); i++) {
    Fill(files[i].length, 1000 * (i + 1) + files[i].length, files[i].pad);
    absl::StrAppend(&list, "d", files[i].pad ? "4:attr1:p" : "", "6:lengthi", files[i].length, "e4:pathl");
    for (absl::string_view element : absl::StrSplit(files[i].path, '/')) absl::StrAppend(&list, Bencoded(element));
    absl::StrAppend(&list, "ee");
  }
  Make(name, list + "e", piece_length);
}

void Payload::Fill(uint64_t length, uint64_t seed, bool zeros) {
  const size_t begin = bytes_.size();
  bytes_.resize(begin + length);
  if (zeros) return;
  Random random(seed);
  for (size_t at = begin; at < bytes_.size(); at += 8) {
    const uint64_t value = random.Next();
    memcpy(&bytes_[at], &value, std::min<size_t>(8, bytes_.size() - at));
  }
}

void Payload::Make(const std::string& name, const std::string& files_field, uint32_t piece_length, bool is_private) {
  std::string hashes;
  for (size_t at = 0; at < bytes_.size(); at += piece_length) {
    absl::StrAppend(&hashes, Sha1::Of(absl::string_view(bytes_).substr(at, piece_length)).Raw());
  }
  torrent_file_ = absl::StrCat("d4:infod", files_field, "4:name", Bencoded(name), "12:piece lengthi", piece_length,
                               "e6:pieces", Bencoded(hashes), is_private ? "7:privatei1e" : "", "ee");
  absl::StatusOr<Metainfo> metainfo = ParseMetainfo(torrent_file_);
  if (!metainfo.ok()) {
    fprintf(stderr, "payload %s: %s\n", name.c_str(), metainfo.status().ToString().c_str());
    abort();
  }
  metainfo_ = std::make_shared<const Metainfo>(*std::move(metainfo));
}

uint32_t Payload::PieceBytes(uint32_t piece_index) const {
  const uint64_t begin = uint64_t{piece_index} * metainfo_->piece_length;
  return static_cast<uint32_t>(std::min<uint64_t>(metainfo_->piece_length, bytes_.size() - begin));
}

absl::string_view Payload::Block(uint32_t piece_index, uint32_t begin, uint32_t length) const {
  const uint64_t offset = uint64_t{piece_index} * metainfo_->piece_length + begin;
  if (offset + length > bytes_.size()) return {};
  return absl::string_view(bytes_).substr(offset, length);
}

absl::string_view Payload::FileBytes(size_t file) const {
  const MetainfoFile& entry = metainfo_->files[file];
  return absl::string_view(bytes_).substr(entry.offset, entry.length);
}

std::string Payload::PathIn(const std::string& folder, size_t file) const {
  return absl::StrCat(folder, "/", metainfo_->files[file].path);
}

void Payload::PutFiles(const std::string& folder) const {
  for (size_t i = 0; i < metainfo_->files.size(); i++) {
    if (metainfo_->files[i].pad) continue;
    const std::string path = PathIn(folder, i);
    for (size_t slash = path.find('/', folder.size() + 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      mkdir(path.substr(0, slash).c_str(), 0777);
    }
    WriteFile(path, std::string(FileBytes(i)));
  }
}

std::string Payload::Differences(const std::string& folder, const std::vector<bool>& wanted) const {
  std::vector<std::string> wrong;
  std::vector<std::string> expected;
  for (size_t i = 0; i < metainfo_->files.size(); i++) {
    const MetainfoFile& file = metainfo_->files[i];
    if (file.pad || (!wanted.empty() && !wanted[i])) continue;
    expected.push_back(file.path);
    if (!Exists(PathIn(folder, i))) {
      wrong.push_back(absl::StrCat(file.path, " is missing"));
    } else if (ReadFile(PathIn(folder, i)) != FileBytes(i)) {
      wrong.push_back(absl::StrCat(file.path, " differs"));
    }
  }
  for (const std::string& path : FilesBelow(folder)) {
    if (std::find(expected.begin(), expected.end(), path) == expected.end()) {
      wrong.push_back(absl::StrCat(path, " should not be there"));
    }
  }
  return absl::StrJoin(wrong, "; ");
}

}  // namespace torrent::test
