#include "torrent/metainfo.h"

#include <gtest/gtest.h>
#include <time.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/sha1.h"

namespace torrent {
namespace {

using std::string_literals::operator""s;
using Strings = std::vector<std::string>;
using Tiers = std::vector<Strings>;

std::string Str(absl::string_view text) { return absl::StrCat(text.size(), ":", text); }

// Twenty times `count` bytes as `pieces`.
std::string Pieces(size_t count) { return "6:pieces" + Str(std::string(20 * count, 'h')); }

const std::string kOneFile = "6:lengthi20000e4:name1:n12:piece lengthi16384e" + Pieces(2);

std::string Info(const std::string& fields) { return "d" + fields + "e"; }
std::string Torrent(const std::string& fields_before, const std::string& info_fields,
                    const std::string& fields_after = "") {
  return "d" + fields_before + "4:info" + Info(info_fields) + fields_after + "e";
}
// A list of files, in pieces of 16 KiB.
std::string FilesInfo(const std::string& files, size_t pieces) {
  return "5:filesl" + files + "e4:name1:n12:piece lengthi16384e" + Pieces(pieces);
}

// Of this thread alone, so that a busy machine changes nothing.
double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
#ifdef TORRENT_SANITIZED
constexpr double kMaxOpenSeconds = 20;  // instrumented code is that much slower
#else
constexpr double kMaxOpenSeconds = 2;
#endif

Metainfo Parsed(const std::string& bytes) {
  absl::StatusOr<Metainfo> metainfo = ParseMetainfo(bytes);
  EXPECT_TRUE(metainfo.ok()) << metainfo.status() << ": " << bytes;
  return metainfo.ok() ? *metainfo : Metainfo();
}

std::string ErrorOf(const std::string& bytes) {
  absl::Status status = ParseMetainfo(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

TEST(MetainfoTest, ReadsASingleFile) {
  const std::string info = Info(kOneFile + "7:privatei1e");
  absl::StatusOr<Metainfo> m = ParseMetainfo("d8:announce16:http://t.example4:info" + info + "e");
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_EQ(m->infohash, Sha1::Of(info));
  EXPECT_EQ(m->info_bytes, info);
  EXPECT_EQ(m->name, "n");
  EXPECT_FALSE(m->multi_file);
  EXPECT_FALSE(m->hybrid);
  EXPECT_TRUE(m->is_private);
  ASSERT_EQ(m->files.size(), 1u);
  EXPECT_EQ(m->files[0].path, "n");
  EXPECT_EQ(m->files[0].length, 20000u);
  EXPECT_EQ(m->total_length, 20000u);
  EXPECT_EQ(m->piece_length, 16384u);
  EXPECT_EQ(m->piece_count, 2u);
  EXPECT_EQ(m->PieceHash(1).Raw(), std::string(20, 'h'));
  EXPECT_EQ(m->trackers, (Tiers{{"http://t.example"}}));
  EXPECT_TRUE(m->comment.empty());
  EXPECT_FALSE(m->creation_date.has_value());
}

TEST(MetainfoTest, ReadsSeveralFilesWithTheirAttributesAndOffsets) {
  absl::StatusOr<Metainfo> m =
      ParseMetainfo(Torrent("", FilesInfo("d4:attr1:x6:lengthi3e4:pathl3:bin3:runee"
                                          "d4:attr1:p6:lengthi16381e4:pathl4:.pad5:16381ee"
                                          "d4:attr1:l4:pathl4:linke12:symlink pathl3:bin3:runee"
                                          "d4:attr2:hx6:lengthi0e4:pathl5:emptyee"
                                          "d6:lengthi5e4:pathl3:bad5:namese10:path.utf-8l4:goodee",
                                          2)));
  ASSERT_TRUE(m.ok()) << m.status();
  ASSERT_EQ(m->files.size(), 5u);
  EXPECT_TRUE(m->multi_file);
  EXPECT_EQ(m->files[0].path, "n/bin/run");
  EXPECT_TRUE(m->files[0].executable);
  EXPECT_FALSE(m->files[0].pad);
  EXPECT_TRUE(m->files[1].pad);
  EXPECT_EQ(m->files[1].offset, 3u);
  EXPECT_TRUE(m->files[2].symlink);
  EXPECT_EQ(m->files[2].length, 0u);
  EXPECT_TRUE(m->files[3].executable);
  EXPECT_EQ(m->files[4].path, "n/good");
  EXPECT_EQ(m->files[4].offset, 16384u);
  EXPECT_EQ(m->total_length, 16389u);
}

TEST(MetainfoTest, ALinkTakesNoBytesWhateverItSays) {
  absl::StatusOr<Metainfo> m =
      ParseInfo(Info(FilesInfo("d6:lengthi1e4:pathl1:aeed4:attr1:l6:lengthi99999e4:pathl1:bee", 1)));
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_EQ(m->total_length, 1u);
}

TEST(MetainfoTest, NamesInUtf8WinAndAnEmptyNameBecomesTheInfohash) {
  const std::string rest = "12:piece lengthi16384e" + Pieces(1);
  EXPECT_EQ(ParseInfo(Info("6:lengthi1e4:name3:old10:name.utf-826:/test1/test2/test3/x/y/z.q" + rest))->name,
            "test1test2test3xyz.q");
  for (const char* name : {"0:", "2:..", "1:/", "3:\xe2\x80\x8b"}) {
    absl::StatusOr<Metainfo> m = ParseInfo(Info("6:lengthi1e4:name"s + name + rest));
    ASSERT_TRUE(m.ok()) << m.status();
    EXPECT_EQ(m->name, m->infohash.Hex());
    EXPECT_EQ(m->files[0].path, m->infohash.Hex());
  }
}

TEST(MetainfoTest, FilesOfNoBytesNeedNoPieces) {
  EXPECT_TRUE(ParseInfo(Info("6:lengthi0e4:name1:n12:piece lengthi16384e" + Pieces(0))).ok());
  EXPECT_FALSE(ParseInfo(Info("6:lengthi0e4:name1:n12:piece lengthi16384e" + Pieces(1))).ok());
}

TEST(MetainfoTest, TheHashCountIsThatOfTheSize) {
  const struct {
    uint64_t size;
    size_t pieces;
  } sizes[] = {{1, 1}, {16383, 1}, {16384, 1}, {16385, 2}, {32768, 2}, {32769, 3}};
  for (const auto& [size, pieces] : sizes) {
    for (size_t count : {pieces - 1, pieces, pieces + 1}) {
      absl::StatusOr<Metainfo> m =
          ParseInfo(Info(absl::StrCat("6:lengthi", size, "e4:name1:n12:piece lengthi16384e", Pieces(count))));
      EXPECT_EQ(m.ok(), count == pieces) << size << " bytes, " << count << " hashes: " << m.status();
    }
  }
}

// rakshasa 93109c55: 2^32 + 16384 was narrowed to 16384.
TEST(MetainfoTest, PieceLengthsAreFromOneByteTo512Mebibytes) {
  const auto parse = [](int64_t piece_length, int64_t size, size_t pieces) {
    return ParseInfo(
        Info(absl::StrCat("6:lengthi", size, "e4:name1:n12:piece lengthi", piece_length, "e", Pieces(pieces))));
  };
  EXPECT_TRUE(parse(1, 3, 3).ok());
  EXPECT_TRUE(parse(12345, 12346, 2).ok());
  EXPECT_TRUE(parse(512 << 20, 1, 1).ok());
  EXPECT_FALSE(parse((512 << 20) + 1, 1, 1).ok());
  EXPECT_FALSE(parse(0, 1, 1).ok());
  EXPECT_FALSE(parse(-16384, 1, 1).ok());
  EXPECT_FALSE(parse((int64_t{1} << 32) + 16384, 1, 1).ok());
}

TEST(MetainfoTest, SizesAreCheckedIn64Bits) {
  const auto parse = [](const std::string& lengths, size_t pieces) {
    return ParseInfo(Info("5:filesl" + lengths + "e4:name1:n12:piece lengthi536870912e" + Pieces(pieces)));
  };
  EXPECT_TRUE(parse("d6:lengthi4294967297e4:pathl1:aee", 9).ok());
  // 2^48 - 1 is a length; its 2^19 pieces are not there.
  EXPECT_TRUE(
      absl::StrContains(parse("d6:lengthi281474976710655e4:pathl1:aee", 1).status().message(), "524288 pieces"));
  EXPECT_FALSE(parse("d6:lengthi281474976710656e4:pathl1:aee", 1).ok());
  EXPECT_TRUE(absl::StrContains(
      parse("d6:lengthi281474976710655e4:pathl1:aeed6:lengthi1e4:pathl1:bee", 1).status().message(), "2^48"));
  std::string wrap;  // 2^64 in all, were nobody looking
  for (int i = 0; i < 4; ++i) wrap += "d6:lengthi4611686018427387904e4:pathl1:aee";
  EXPECT_FALSE(parse(wrap, 0).ok());
  EXPECT_TRUE(absl::StrContains(
      ErrorOf(Torrent("", "6:lengthi281474976710655e4:name1:n12:piece lengthi1e" + Pieces(1))), "more than 2097152"));
}

TEST(MetainfoTest, ErrorsNameTheFieldAndWhatStoodThere) {
  const struct {
    std::string bytes, message;
  } bad[] = {
      {"", "bencode, byte 0: nothing there"},
      {"<html>", "bencode, byte 0: no value begins with this byte"},
      {"le", "not a .torrent: its content is not a dictionary"},
      {"de", "not a .torrent: \"info\" is missing or no dictionary"},
      {"d4:infoi1ee", "not a .torrent: \"info\" is missing or no dictionary"},
      {"d4:infod" + kOneFile + "e4:infod" + kOneFile + "ee", "metainfo: \"info\" stands twice"},
      {Torrent("", "12:piece lengthi1e6:lengthi1e" + Pieces(1)), "info: \"name\" is missing or no string"},
      {Torrent("", "4:name1:n12:piece lengthi1e" + Pieces(1)), "info: \"length\" is missing"},
      {Torrent("", "4:name1:n6:length1:912:piece lengthi1e" + Pieces(1)), "info: \"length\" is not an integer"},
      {Torrent("", "6:lengthi-1e4:name1:n12:piece lengthi1e" + Pieces(1)),
       "info: \"length\" -1 is not in [0, 281474976710655]"},
      {Torrent("", "6:lengthi1e4:name1:n" + Pieces(1)), "info: \"piece length\" is missing"},
      {Torrent("", "6:lengthi1e4:name1:n12:piece lengthi1e"), "info: \"pieces\" is missing or no string"},
      {Torrent("", kOneFile + Pieces(2)), "info: \"pieces\" stands twice"},
      {Torrent("", kOneFile + "6:lengthi1e"), "info: \"length\" stands twice"},
      {Torrent("", kOneFile + "4:name1:m"), "info: \"name\" stands twice"},
      {Torrent("", "5:filesi1e4:name1:n12:piece lengthi1e" + Pieces(1)), "info: \"files\" is not a list"},
      {Torrent("", FilesInfo("", 0)), "info: \"files\" is empty"},
      {Torrent("", FilesInfo("i1e", 1)), "info: file 1 is not a dictionary"},
      {Torrent("", FilesInfo("d6:lengthi1eed4:pathl1:aee", 1)), "info: file 1: \"path\" is missing, empty or no list"},
      {Torrent("", FilesInfo("d6:lengthi1e4:pathl1:aeed4:pathl1:aee", 1)), "info: file 2: \"length\" is missing"},
      {Torrent("", FilesInfo("d6:lengthi1e4:pathlee", 1)), "info: file 1: \"path\" is missing, empty or no list"},
      {Torrent("", FilesInfo("d6:lengthi1e4:path1:ae", 1)), "info: file 1: \"path\" is missing, empty or no list"},
      {Torrent("", FilesInfo("d6:lengthi1e4:pathli1eee", 1)),
       "info: file 1: \"path\" holds something else than strings"},
      {Torrent("", FilesInfo("d6:lengthi1e6:lengthi2e4:pathl1:aee", 1)), "info: file 1: \"length\" stands twice"},
  };
  for (const auto& [bytes, message] : bad) EXPECT_EQ(ErrorOf(bytes), message) << bytes;
}

TEST(MetainfoTest, DeepAndLongPathsAreRefused) {
  const auto parse = [](int depth, const std::string& element) {
    std::string path;
    for (int i = 0; i < depth; ++i) path += Str(element);
    return ParseInfo(Info(FilesInfo("d6:lengthi1e4:pathl" + path + "ee", 1))).status();
  };
  EXPECT_TRUE(parse(100, "d").ok());
  EXPECT_TRUE(absl::StrContains(parse(101, "d").message(), "101 elements, more than 100"));
  EXPECT_TRUE(parse(16, std::string(240, 'd')).ok());
  EXPECT_TRUE(absl::StrContains(parse(17, std::string(240, 'd')).message(), "4098 bytes, more than 4000"));
}

TEST(MetainfoTest, TrackersAreMergedTrimmedAndBounded) {
  const auto trackers = [](const std::string& fields) { return Parsed(Torrent(fields, kOneFile)).trackers; };
  const std::string a = "http://a/announce", b = "udp://b:80", c = "https://c/x?key=1";
  EXPECT_EQ(trackers("8:announce" + Str(a) + "13:announce-listll" + Str(b) + Str(a) + "el" + Str(c) + "ee"),
            (Tiers{{b, a}, {c}}));
  EXPECT_EQ(trackers("8:announce" + Str(a) + "13:announce-listll" + Str(b) + "ee"), (Tiers{{b}, {a}}));
  EXPECT_EQ(trackers("8:announce" + Str("\t " + a + " \n")), (Tiers{{a}}));
  EXPECT_EQ(trackers("13:announce-listl" + Str(a) + "l" + Str(b) + Str(b) + "ei7ee"), (Tiers{{a}, {b}}));
  EXPECT_EQ(trackers("13:announce-listll" + Str("a.example/announce") + Str("://x") + Str("ht tp://x") + "i1e" +
                     Str("http://a\r\nHost: b/") + Str("http://a\0"s) + Str("http://" + std::string(5000, 'a')) + "ee"),
            Tiers{});
  EXPECT_EQ(trackers("8:announcei5e13:announce-listde"), Tiers{});
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "l" + Str(absl::StrCat("http://", i, "/")) + "e";
  EXPECT_EQ(trackers("13:announce-listl" + many + "e").size(), kMaxTrackers);
}

TEST(MetainfoTest, WebSeedsComeAsAStringOrAList) {
  const auto seeds = [](const std::string& field, const std::string& info) {
    return Parsed(Torrent("", info, "8:url-list" + field)).web_seeds;
  };
  const std::string two_files = FilesInfo("d6:lengthi1e4:pathl1:aeed6:lengthi1e4:pathl1:bee", 1);
  EXPECT_EQ(seeds(Str("http://w/n"), kOneFile), Strings{"http://w/n"});
  EXPECT_EQ(seeds("l" + Str("http://w/n") + Str("http://w/n") + "0:i3e" + Str("http://v/") + "e", kOneFile),
            (Strings{"http://w/n", "http://v/"}));
  EXPECT_EQ(seeds(Str("http://w/d"), two_files), Strings{"http://w/d/"}) << "a folder's URL ends with a slash";
  EXPECT_EQ(seeds(Str("http://w/d/"), two_files), Strings{"http://w/d/"});
  EXPECT_EQ(seeds(Str("http://w/a b"), kOneFile), Strings{"http://w/a%20b"});
  EXPECT_EQ(seeds("de", kOneFile), Strings{});
}

TEST(MetainfoTest, NodesThatAreNoneAreLeftOut) {
  absl::StatusOr<Metainfo> m = ParseMetainfo(Torrent(
      "", kOneFile,
      "5:nodesll9:127.0.0.1i6881eel1:hi0eel1:hi65536eel1:hi-1eeli1ei2eel1:hel0:i5eel3:a bi5eei7el4:h\xc3\xbc.i9ee"
      "l11:example.orgi65535eee"));
  ASSERT_TRUE(m.ok()) << m.status();
  using Nodes = std::vector<std::pair<std::string, uint16_t>>;
  EXPECT_EQ(m->nodes, (Nodes{{"127.0.0.1", 6881}, {"example.org", 65535}}));
}

TEST(MetainfoTest, RemarksAreCleanedAndBounded) {
  absl::StatusOr<Metainfo> m = ParseMetainfo(Torrent("7:comment" + Str("a\x1b[2Jb\xff") + "10:created by" +
                                                         Str(std::string(100000, 'x')) + "13:creation datei1234567e",
                                                     kOneFile));
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_FALSE(absl::StrContains(m->comment, "\x1b"));
  EXPECT_FALSE(absl::StrContains(m->comment, "\xff"));
  EXPECT_LE(m->created_by.size(), kMaxCommentBytes);
  EXPECT_EQ(m->creation_date, 1234567);
  EXPECT_FALSE(Parsed(Torrent("13:creation datei-5e", kOneFile)).creation_date.has_value());
  EXPECT_FALSE(Parsed(Torrent("13:creation date4:2020", kOneFile)).creation_date.has_value());
}

TEST(MetainfoTest, WhatIsNotCanonicalKeepsItsRawBytesInV1) {
  const std::string info = Info("4:name1:n6:lengthi01e12:piece lengthi016384e06:pieces20:" + std::string(20, 'h'));
  absl::StatusOr<Metainfo> m = ParseMetainfo("d4:info" + info + "e\n");
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_EQ(m->infohash, Sha1::Of(info));
  EXPECT_EQ(m->total_length, 1u);
}

TEST(MetainfoTest, PrivateIsOneAndNothingElse) {
  EXPECT_FALSE(ParseInfo(Info(kOneFile + "7:privatei0e"))->is_private);
  EXPECT_FALSE(ParseInfo(Info(kOneFile + "7:private1:1"))->is_private);
  EXPECT_FALSE(ParseInfo(Info(kOneFile))->is_private);
}

// --- Hybrids ---------------------------------------------------------------------------------------------------------

const std::string kRoot(32, 'r');

std::string Leaf(int64_t length) {
  return absl::StrCat("d0:d6:lengthi", length, "e", length > 0 ? "11:pieces root" + Str(kRoot) : "", "ee");
}
// A hybrid of n/a (5 bytes) and n/b (7 bytes), the second at the next piece; each part can be another one.
std::string Hybrid(const std::string& tree, const std::string& files, size_t pieces = 2) {
  return Info("9:file treed" + tree + "e5:filesl" + files + "e12:meta versioni2e4:name1:n12:piece lengthi16384e" +
              Pieces(pieces));
}
const std::string kTree = "1:a" + Leaf(5) + "1:b" + Leaf(7);
const std::string kFileA = "d6:lengthi5e4:pathl1:aee";
const std::string kPad = "d4:attr1:p6:lengthi16379e4:pathl4:.pad5:16379ee";
const std::string kFileB = "d6:lengthi7e4:pathl1:bee";

TEST(MetainfoTest, HybridsLoadAsV1WhenBothListsAgree) {
  absl::StatusOr<Metainfo> m = ParseInfo(Hybrid(kTree, kFileA + kPad + kFileB));
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_TRUE(m->hybrid);
  EXPECT_EQ(m->files.size(), 3u);
  EXPECT_EQ(m->files[2].path, "n/b");
}

TEST(MetainfoTest, HybridsWhoseListsDisagreeAreRefused) {
  const struct {
    const char* what;
    std::string tree, files;
    size_t pieces;
  } bad[] = {
      {"is in the v2 tree alone", kTree, kFileA, 1},
      {"is in v1 alone", kTree, kFileA + kPad + kFileB + "d6:lengthi0e4:pathl1:cee", 2},
      {"stands where v1 has", kTree, kFileA + kPad + "d6:lengthi7e4:pathl1:cee", 2},
      {"stands where v1 has", kTree, kFileA + kPad + "d6:lengthi7e4:pathl1:b1:cee", 2},
      {"has 7 bytes in v2 and 8 in v1", kTree, kFileA + kPad + "d6:lengthi8e4:pathl1:bee", 2},
      {"begins at byte 5, not at a multiple", kTree, kFileA + kFileB, 1},
      {"stands where v1 has", kTree, "d6:lengthi7e4:pathl1:bee" + kPad + "d6:lengthi5e4:pathl1:aee", 2},
  };
  for (const auto& [what, tree, files, pieces] : bad) {
    absl::Status status = ParseInfo(Hybrid(tree, files, pieces)).status();
    EXPECT_TRUE(absl::StrContains(status.message(), what)) << what << ": " << status;
  }
}

TEST(MetainfoTest, FileTreesThatBreakTheFormatAreRefused) {
  const struct {
    const char* what;
    std::string tree;
  } bad[] = {
      {"is an empty folder", ""},
      {"is an empty folder", "1:ade"},
      {"entry with an empty name", "0:" + Leaf(5)},
      {"is not a dictionary", "1:ai5e"},
      {"is a file and a folder at once", "1:ad0:d6:lengthi0ee1:b" + Leaf(5) + "e"},
      {"something else than a dictionary as its file", "1:ad0:lee"},
      {"\"length\" is missing", "1:ad0:dee"},
      {"no \"pieces root\"", "1:ad0:d6:lengthi5eee"},
      {"is no hash", "1:ad0:d6:lengthi5e11:pieces root31:" + std::string(31, 'r') + "ee"},
      {"is no hash", "1:ad0:d6:lengthi5e11:pieces rooti5eee"},
      {"a root of zeros", "1:ad0:d6:lengthi5e11:pieces root32:" + std::string(32, '\0') + "ee"},
      {"is a pad file and has", "1:ad0:d4:attr1:p6:lengthi5e11:pieces root" + Str(kRoot) + "ee"},
      {"more than 281474976710655 or 2097152", "1:a" + Leaf(int64_t{1} << 36)},
      {"not sorted", "1:b" + Leaf(5) + "1:a" + Leaf(5)},
      {"stands twice", "1:a" + Leaf(5) + "1:a" + Leaf(5)},
      {"leading zero", "1:ad0:d6:lengthi05e11:pieces root" + Str(kRoot) + "ee"},
  };
  for (const auto& [what, tree] : bad) {
    absl::Status status = ParseInfo(Hybrid(tree, kFileA, 1)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << what;
    EXPECT_TRUE(absl::StrContains(status.message(), what)) << what << ": " << status;
  }
}

TEST(MetainfoTest, V2PieceLengthsArePowersOfTwo) {
  for (const char* length : {"i8192e", "i16385e", "i2147483647e", "i-1e"}) {
    const std::string info = Info("9:file treed1:a" + Leaf(5) + "e12:meta versioni2e4:name1:n12:piece length" + length);
    EXPECT_EQ(ParseInfo(info).status().code(), absl::StatusCode::kInvalidArgument) << length;
  }
}

TEST(MetainfoTest, V2AloneAndUnknownVersionsAreUnimplemented) {
  const std::string rest = "4:name1:n12:piece lengthi16384e";
  absl::Status v2 = ParseInfo(Info("9:file treed1:a" + Leaf(5) + "e12:meta versioni2e" + rest)).status();
  EXPECT_EQ(v2.code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(absl::StrContains(v2.message(), "v2")) << v2;
  absl::Status v3 = ParseInfo(Info("12:meta versioni3e" + rest)).status();
  EXPECT_EQ(v3.code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(absl::StrContains(v3.message(), "3")) << v3;
  EXPECT_TRUE(ParseInfo(Info("6:lengthi1e12:meta versioni3e" + rest + Pieces(1))).ok()) << "the v1 fields are there";
}

TEST(MetainfoTest, PieceLayersBelongToFilesLargerThanAPiece) {
  const std::string info = Hybrid(kTree, kFileA + kPad + kFileB);
  const auto with_layers = [&](const std::string& layers) {
    return ParseMetainfo("d4:info" + info + "12:piece layers" + layers + "e").status();
  };
  EXPECT_TRUE(with_layers("de").ok());
  EXPECT_FALSE(with_layers("le").ok());
  EXPECT_FALSE(with_layers("d" + Str(kRoot) + Str(kRoot) + "e").ok()) << "5 bytes need no layer";
  EXPECT_FALSE(with_layers("d32:" + std::string(32, 'x') + Str(kRoot) + "e").ok());
}

// --- Files on disk, and cost -----------------------------------------------------------------------------------------

TEST(MetainfoTest, LoadingSaysWhatTheFileSystemSaid) {
  EXPECT_EQ(LoadMetainfo("/nonexistent/a.torrent").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(LoadMetainfo("/nonexistent/a.torrent").status().message(), "/nonexistent/a.torrent"));
  EXPECT_EQ(LoadMetainfo("test").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(LoadMetainfo("test").status().message(), "folder"));
  EXPECT_TRUE(absl::StrContains(LoadMetainfo("/dev/zero").status().message(), "more than 67108864"))
      << "a file without end is read up to the bound: " << LoadMetainfo("/dev/zero").status();
}

// Hazard 14: 100 000 files are an ordinary torrent.
TEST(MetainfoTest, AHundredThousandFilesOpenQuickly) {
  std::string files;
  for (int i = 0; i < 100'000; ++i) {
    files += absl::StrCat("d6:lengthi0e4:pathl6:folder", Str(absl::StrCat("sub", i / 1000)),
                          Str(absl::StrCat("a file of a usual length ", i, ".bin")), "ee");
  }
  const std::string bytes = Torrent("", FilesInfo(files, 0));
  const double start = CpuSeconds();
  absl::StatusOr<Metainfo> m = ParseMetainfo(bytes);
  const double seconds = CpuSeconds() - start;
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_EQ(m->files.size(), 100'000u);
  EXPECT_LT(seconds, kMaxOpenSeconds);
}

TEST(MetainfoTest, ManyDuplicateNamesAreRefusedQuickly) {
  std::string files;
  for (int i = 0; i < 200'000; ++i) files += "d6:lengthi0e4:pathl1:a1:bee";
  const std::string bytes = Torrent("", FilesInfo(files, 0));
  const double start = CpuSeconds();
  EXPECT_TRUE(absl::StrContains(ErrorOf(bytes), "equal names"));
  EXPECT_LT(CpuSeconds() - start, kMaxOpenSeconds);
}

}  // namespace
}  // namespace torrent
