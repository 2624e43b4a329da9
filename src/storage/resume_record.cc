#include "storage/resume_record.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/sha1.h"
#include "base/status.h"
#include "metainfo/piece_layout.h"
#include "torrent/bencode.h"

namespace torrent {

namespace {

constexpr int64_t kVersion = 1;
constexpr size_t kKeys = 16;                                            // of "record"
constexpr uint64_t kAbsentSize = std::numeric_limits<uint64_t>::max();  // stands for a file that is not there
constexpr size_t kFileStatBytes = 16;                                   // 8-byte size, 8-byte time

absl::Status Defect(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("resume record: ", what));
}

// The first bit is the highest of the first byte, as in BEP 3's bitfield; spare bits are zero.
std::string PackBits(const std::vector<bool>& bits) {
  std::string out((bits.size() + 7) / 8, '\0');
  for (size_t i = 0; i < bits.size(); i++) {
    if (bits[i]) out[i / 8] = static_cast<char>(out[i / 8] | (0x80 >> (i % 8)));
  }
  return out;
}

absl::StatusOr<std::vector<bool>> UnpackBits(absl::string_view name, absl::string_view bytes, size_t count) {
  if (bytes.size() != (count + 7) / 8) {
    return Defect(absl::StrCat(name, ": ", bytes.size(), " bytes for ", count, " bits"));
  }
  std::vector<bool> bits(count);
  for (size_t i = 0; i < count; i++) bits[i] = (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
  if (PackBits(bits) != bytes) return Defect(absl::StrCat(name, ": spare bits are set"));
  return bits;
}

std::string PackStats(absl::Span<const FileStat> stats) {
  std::string out(stats.size() * kFileStatBytes, '\0');
  for (size_t i = 0; i < stats.size(); i++) {
    StoreBE64(&out[i * kFileStatBytes], stats[i].exists ? stats[i].size : kAbsentSize);
    StoreBE64(&out[i * kFileStatBytes + 8], static_cast<uint64_t>(stats[i].mtime_ns));
  }
  return out;
}

absl::StatusOr<std::vector<FileStat>> UnpackStats(absl::string_view name, absl::string_view bytes, size_t count) {
  if (bytes.size() != count * kFileStatBytes) {
    return Defect(absl::StrCat(name, ": ", bytes.size(), " bytes for ", count, " files"));
  }
  std::vector<FileStat> stats(count);
  for (size_t i = 0; i < count; i++) {
    const uint64_t size = LoadBE64(&bytes[i * kFileStatBytes]);
    const auto mtime = static_cast<int64_t>(LoadBE64(&bytes[i * kFileStatBytes + 8]));
    if (size == kAbsentSize && mtime == 0) continue;
    if (size > uint64_t{std::numeric_limits<int64_t>::max()}) return Defect(absl::StrCat(name, ": size ", size));
    stats[i] = {/*exists=*/true, size, mtime};
  }
  return stats;
}

// The fields of the dictionary "record"; the first that is missing or of another type is remembered.
class Fields {
 public:
  explicit Fields(const bencode::Value& dictionary) : dictionary_(dictionary) {}

  int64_t Integer(absl::string_view key) {
    const bencode::Value* value = dictionary_.FindInteger(key);
    return Found(key, value) ? value->integer() : 0;
  }
  uint64_t Unsigned(absl::string_view key) {
    int64_t value = Integer(key);
    if (value < 0) status_.Update(Defect(absl::StrCat(key, " is ", value)));
    return static_cast<uint64_t>(value);
  }
  absl::string_view String(absl::string_view key) {
    const bencode::Value* value = dictionary_.FindString(key);
    return Found(key, value) ? value->string() : absl::string_view();
  }
  const bencode::Value* List(absl::string_view key) {
    const bencode::Value* value = dictionary_.FindList(key);
    return Found(key, value) ? value : nullptr;
  }
  const bencode::Value* Dictionary(absl::string_view key) {
    const bencode::Value* value = dictionary_.FindDictionary(key);
    return Found(key, value) ? value : nullptr;
  }
  const absl::Status& status() const { return status_; }

 private:
  bool Found(absl::string_view key, const bencode::Value* value) {
    if (value == nullptr) status_.Update(Defect(absl::StrCat("no ", key)));
    return value != nullptr;
  }
  const bencode::Value& dictionary_;
  absl::Status status_;
};

absl::Status DecodeUnfinished(const bencode::Value& list, const Metainfo& metainfo, ResumeRecord* record) {
  const PieceLayout layout(metainfo);
  int64_t last = -1;
  for (const bencode::Value& entry : list.list()) {
    if (!entry.is_list() || entry.list().size() != 2 || !entry.list()[0].is_integer() || !entry.list()[1].is_string()) {
      return Defect("unfinished: not a pair of index and blocks");
    }
    const int64_t index = entry.list()[0].integer();
    if (index <= last || index >= int64_t{metainfo.piece_count}) {
      return Defect(absl::StrCat("unfinished piece ", index, " is not in (", last, ", ", metainfo.piece_count, ")"));
    }
    last = index;
    const auto piece_index = static_cast<uint32_t>(index);
    if (record->pieces[piece_index]) return Defect(absl::StrCat("piece ", index, " is finished and unfinished"));
    ASSIGN_OR_RETURN(auto blocks, UnpackBits("unfinished", entry.list()[1].string(), layout.BlockCount(piece_index)));
    record->unfinished.push_back({piece_index, std::move(blocks)});
  }
  return absl::OkStatus();
}

}  // namespace

ResumeRecord EmptyResumeRecord(const Metainfo& metainfo) {
  ResumeRecord record;
  record.infohash = metainfo.infohash;
  record.total_length = metainfo.total_length;
  record.piece_length = metainfo.piece_length;
  record.pieces.resize(metainfo.piece_count);
  record.files.resize(metainfo.files.size());
  record.wanted.resize(metainfo.files.size(), true);
  record.in_part_file.resize(metainfo.files.size());
  return record;
}

std::string EncodeResumeRecord(const ResumeRecord& record) {
  bencode::Encoder body;
  body.BeginDictionary();
  body.Key("device").Integer(static_cast<int64_t>(record.device));
  body.Key("downloaded").Integer(static_cast<int64_t>(record.downloaded_bytes));
  body.Key("extra").BeginDictionary();
  for (const auto& [key, value] : record.extra) body.Key(key).Integer(value);
  body.End();
  body.Key("files").String(PackStats(record.files));
  body.Key("in part file").String(PackBits(record.in_part_file));
  body.Key("infohash").String(record.infohash.Raw());
  body.Key("output dir").String(record.output_dir);
  body.Key("part file").String(PackStats(absl::MakeConstSpan(&record.part_file, 1)));
  body.Key("piece length").Integer(record.piece_length);
  body.Key("pieces").String(PackBits(record.pieces));
  body.Key("running").Integer(record.running ? 1 : 0);
  body.Key("total length").Integer(static_cast<int64_t>(record.total_length));
  body.Key("unfinished").BeginList();
  for (const UnfinishedPiece& piece : record.unfinished) {
    body.BeginList().Integer(piece.piece_index).String(PackBits(piece.blocks)).End();
  }
  body.End();
  body.Key("uploaded").Integer(static_cast<int64_t>(record.uploaded_bytes));
  body.Key("version").Integer(kVersion);
  body.Key("wanted").String(PackBits(record.wanted));
  body.End();

  bencode::Encoder outer;
  outer.BeginDictionary();
  outer.Key("record").Raw(body.str());
  outer.Key("sha1").String(Sha1::Of(body.str()).Raw());
  outer.End();
  return outer.Take();
}

absl::StatusOr<ResumeRecord> DecodeResumeRecord(absl::string_view bytes, const Metainfo& metainfo) {
  bencode::DecodeOptions options;
  options.max_depth = 5;
  options.canonical = true;
  size_t trailing = 0;
  options.trailing_bytes = &trailing;
  ASSIGN_OR_RETURN(bencode::Value outer, bencode::Decode(bytes, options));
  if (bytes.substr(bytes.size() - trailing).find_first_not_of('\0') != absl::string_view::npos) {
    return Defect("something follows it");
  }
  const bencode::Value* body = outer.FindDictionary("record");
  const bencode::Value* sha1 = outer.FindString("sha1");
  if (body == nullptr || sha1 == nullptr || outer.dictionary().size() != 2) return Defect("not of its form");
  if (Sha1::Of(body->raw()).Raw() != sha1->string()) return Defect("its checksum differs");

  Fields fields(*body);
  ResumeRecord record = EmptyResumeRecord(metainfo);
  const int64_t version = fields.Integer("version");
  const absl::string_view infohash = fields.String("infohash");
  RETURN_IF_ERROR(fields.status());
  if (version != kVersion) return Defect(absl::StrCat("version ", version, ", not ", kVersion));
  if (infohash != metainfo.infohash.Raw()) return Defect("it is another torrent's");

  record.device = static_cast<uint64_t>(fields.Integer("device"));
  record.downloaded_bytes = fields.Unsigned("downloaded");
  record.uploaded_bytes = fields.Unsigned("uploaded");
  record.output_dir = std::string(fields.String("output dir"));
  const int64_t running = fields.Integer("running");
  const uint64_t piece_length = fields.Unsigned("piece length");
  const uint64_t total_length = fields.Unsigned("total length");
  const absl::string_view files = fields.String("files");
  const absl::string_view part_file = fields.String("part file");
  const absl::string_view pieces = fields.String("pieces");
  const absl::string_view wanted = fields.String("wanted");
  const absl::string_view in_part_file = fields.String("in part file");
  const bencode::Value* unfinished = fields.List("unfinished");
  const bencode::Value* extra = fields.Dictionary("extra");
  RETURN_IF_ERROR(fields.status());
  if (body->dictionary().size() != kKeys) return Defect("it has unknown keys");
  if (running != 0 && running != 1) return Defect(absl::StrCat("running is ", running));
  if (piece_length != metainfo.piece_length || total_length != metainfo.total_length) {
    return Defect(absl::StrCat("pieces of ", piece_length, " in ", total_length, " bytes, not of ",
                               metainfo.piece_length, " in ", metainfo.total_length));
  }
  record.running = running == 1;
  const size_t file_count = metainfo.files.size();
  ASSIGN_OR_RETURN(record.files, UnpackStats("files", files, file_count));
  ASSIGN_OR_RETURN(std::vector<FileStat> part, UnpackStats("part file", part_file, 1));
  record.part_file = part[0];
  ASSIGN_OR_RETURN(record.pieces, UnpackBits("pieces", pieces, metainfo.piece_count));
  ASSIGN_OR_RETURN(record.wanted, UnpackBits("wanted", wanted, file_count));
  ASSIGN_OR_RETURN(record.in_part_file, UnpackBits("in part file", in_part_file, file_count));
  RETURN_IF_ERROR(DecodeUnfinished(*unfinished, metainfo, &record));
  for (const auto& [key, value] : extra->dictionary()) {
    if (!value.is_integer()) return Defect(absl::StrCat("extra: ", key, " is no number"));
    record.extra.emplace_back(std::string(key), value.integer());
  }
  return record;
}

}  // namespace torrent
