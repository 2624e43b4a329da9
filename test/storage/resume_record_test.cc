#include "storage/resume_record.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/sha1.h"
#include "test/storage/fixture.h"
#include "torrent/bencode.h"

namespace torrent {
namespace {

ResumeRecord FullRecord(const Metainfo& metainfo) {
  ResumeRecord record = EmptyResumeRecord(metainfo);
  record.running = true;
  record.output_dir = "/data/ünïcode";
  record.device = 0xfffffffffffffff0;
  record.pieces[0] = record.pieces[3] = true;
  record.unfinished = {{1, {true, false, true, true}}, {4, {false}}};
  record.files[0] = {true, 65536 * 3, 1700000000123456789};
  record.files[2] = {true, 0, -5};
  record.wanted[1] = false;
  record.in_part_file[1] = true;
  record.part_file = {true, uint64_t{1} << 40, 1};
  record.uploaded_bytes = uint64_t{1} << 60;
  record.downloaded_bytes = 7;
  record.extra = {{"announce_not_before", -1}, {"zz", int64_t{1} << 62}};
  return record;
}

class ResumeRecordTest : public testing::Test {
 protected:
  // The same record with `from` replaced in its body and a right checksum.
  std::string Forged(absl::string_view from, absl::string_view to) {
    std::string bytes = EncodeResumeRecord(record_);
    auto outer = bencode::Decode(bytes);
    std::string body(outer->FindDictionary("record")->raw());
    EXPECT_TRUE(absl::StrContains(body, from)) << from;
    body = absl::StrReplaceAll(body, {{from, to}});
    bencode::Encoder e;
    e.BeginDictionary().Key("record").Raw(body).Key("sha1").String(Sha1::Of(body).Raw()).End();
    return e.Take();
  }

  TestTorrent t_{{{"t/a", 65536 * 3}, {"t/b", 65536}, {"t/c", 100}}, 65536};
  const Metainfo& metainfo_ = *t_.metainfo;
  ResumeRecord record_ = FullRecord(metainfo_);
};

TEST_F(ResumeRecordTest, ComesBackAsItWas) {
  auto decoded = DecodeResumeRecord(EncodeResumeRecord(record_), metainfo_);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, record_);
  ResumeRecord empty = EmptyResumeRecord(metainfo_);
  EXPECT_EQ(*DecodeResumeRecord(EncodeResumeRecord(empty), metainfo_), empty);
}

TEST_F(ResumeRecordTest, ZerosMayFollowAndNothingElse) {
  std::string bytes = EncodeResumeRecord(record_);
  EXPECT_TRUE(DecodeResumeRecord(bytes + std::string(5000, '\0'), metainfo_).ok());
  EXPECT_FALSE(DecodeResumeRecord(bytes + std::string(50, '\0') + "x", metainfo_).ok());
}

// qBittorrent#3602, rakshasa 571cd276, hazard 109: damaged resume data. No change goes unnoticed.
TEST_F(ResumeRecordTest, EveryChangedByteIsAnError) {
  const std::string bytes = EncodeResumeRecord(record_);
  for (size_t i = 0; i < bytes.size(); i++) {
    for (int change : {0x01, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ change);
      EXPECT_FALSE(DecodeResumeRecord(changed, metainfo_).ok()) << "byte " << i << " xor " << change;
    }
  }
}

TEST_F(ResumeRecordTest, EveryShorterRecordIsAnError) {
  const std::string bytes = EncodeResumeRecord(record_);
  for (size_t size = 0; size < bytes.size(); size++) {
    EXPECT_FALSE(DecodeResumeRecord(bytes.substr(0, size), metainfo_).ok()) << size;
    EXPECT_FALSE(DecodeResumeRecord(bytes.substr(0, size) + std::string(bytes.size() - size, '\0'), metainfo_).ok())
        << size << " and zeros";
  }
  EXPECT_FALSE(DecodeResumeRecord(std::string(4096, '\0'), metainfo_).ok());
}

TEST_F(ResumeRecordTest, AnotherTorrentsRecordIsAnError) {
  Metainfo other = metainfo_;
  other.infohash = Sha1::Of("other");
  EXPECT_EQ(DecodeResumeRecord(EncodeResumeRecord(record_), other).status().message(),
            "resume record: it is another torrent's");
}

TEST_F(ResumeRecordTest, ARightChecksumDoesNotExcuseWhatDoesNotFit) {
  EXPECT_TRUE(DecodeResumeRecord(Forged("7:runningi1e", "7:runningi1e"), metainfo_).ok()) << "the forger works";
  const struct {
    const char* from;
    const char* to;
    const char* says;
  } kForgeries[] = {
      {"7:versioni1e", "7:versioni2e", "version 2, not 1"},
      {"7:runningi1e", "7:runningi2e", "running is 2"},
      {"7:runningi1e", "7:runningle", "no running"},
      {"10:downloadedi7e", "10:downloadedi-7e", "downloaded is -7"},
      {"12:piece lengthi65536e", "12:piece lengthi65535e", "pieces of 65535 in 262244 bytes"},
      {"12:total lengthi262244e", "12:total lengthi262245e", "in 262245 bytes"},
      {"6:pieces1:\x90", "6:pieces1:\x91", "pieces: spare bits are set"},
      {"6:pieces1:\x90", "6:pieces2:\x90\x90", "pieces: 2 bytes for 5 bits"},
      {"6:pieces1:\x90", "6:pieces0:", "pieces: 0 bytes for 5 bits"},
      {"li1e1:\xb0", "li0e1:\xb0", "piece 0 is finished and unfinished"},
      {"li4e1:", "li5e1:", "unfinished piece 5 is not in (1, 5)"},
      {"li4e1:", "li1e1:", "unfinished piece 1 is not in (1, 5)"},
      {"li1e1:\xb0", "li-1e1:\xb0", "unfinished piece -1 is not in (-1, 5)"},
      {"li1e1:\xb0", "li1e2:\xb0\xb0", "unfinished: 2 bytes for 4 bits"},
      {"li1e1:\xb0", "li1e", "unfinished: not a pair"},
      {"6:wanted1:\xa0", "6:wanted1:\xb0", "wanted: spare bits are set"},
      {"2:zzi", "2:aai", "bencode"},
      {"6:wanted1:", "1:ai0e6:wanted1:", "bencode"},
      {"6:wanted1:", "3:vzzi0e6:wanted1:", "it has unknown keys"},
  };
  for (const auto& forgery : kForgeries) {
    auto decoded = DecodeResumeRecord(Forged(forgery.from, forgery.to), metainfo_);
    ASSERT_FALSE(decoded.ok()) << forgery.to;
    EXPECT_TRUE(absl::IsInvalidArgument(decoded.status()));
    EXPECT_TRUE(absl::StrContains(decoded.status().message(), forgery.says)) << decoded.status();
  }
}

}  // namespace
}  // namespace torrent
