// A torrent whose every byte a test knows: pseudorandom files, their .torrent, and the comparison of what a download
// made of them. Immutable once made.
#ifndef TORRENT_TEST_SUPPORT_PAYLOAD_H_
#define TORRENT_TEST_SUPPORT_PAYLOAD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "torrent/metainfo.h"

namespace torrent::test {

struct PayloadFile {
  std::string path;  // below the torrent's folder, elements joined by '/'
  uint64_t length = 0;
  bool pad = false;  // zeros (BEP 47)
};

class Payload {
 public:
  // One file `name`; private: of BEP 27.
  Payload(const std::string& name, uint64_t length, uint32_t piece_length, bool is_private = false);
  // A folder `name` with these.
  Payload(const std::string& name, const std::vector<PayloadFile>& files, uint32_t piece_length);

  const std::shared_ptr<const Metainfo>& metainfo() const { return metainfo_; }
  // The bytes of its .torrent.
  const std::string& torrent_file() const { return torrent_file_; }
  uint32_t piece_count() const { return metainfo_->piece_count; }
  uint64_t size() const { return bytes_.size(); }
  // Of the torrent, pads too.
  absl::string_view bytes() const { return bytes_; }
  uint32_t PieceBytes(uint32_t piece_index) const;
  // [begin, begin + length) of a piece; empty where the torrent has no such bytes.
  absl::string_view Block(uint32_t piece_index, uint32_t begin, uint32_t length) const;
  absl::string_view FileBytes(size_t file) const;
  std::string PathIn(const std::string& folder, size_t file) const;

  // Writes all files but pads below `folder`, as a complete download would.
  void PutFiles(const std::string& folder) const;
  // What is not as it should be below `folder`: files of `wanted` (empty: all) that are missing or differ, and files
  // that should not be there. Empty when all is well.
  std::string Differences(const std::string& folder, const std::vector<bool>& wanted = {}) const;

 private:
  void Fill(uint64_t length, uint64_t seed, bool zeros);
  void Make(const std::string& name, const std::string& files_field, uint32_t piece_length, bool is_private = false);

  std::string bytes_;
  std::string torrent_file_;
  std::shared_ptr<const Metainfo> metainfo_;
};

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_PAYLOAD_H_
