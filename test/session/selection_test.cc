// Which files a download makes: of all sizes around a piece's, of a selection, empty ones and pads.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "test/session/fixture.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

constexpr uint32_t kSelectedPieceLength = 32 * kKiB;

std::vector<PayloadFile> FilesOfAllSizes() {
  return {{"empty"},
          {"one byte", 1},
          {"a/piece - 1", kSelectedPieceLength - 1},
          {"a/piece", kSelectedPieceLength},
          {"a/b/piece + 1", kSelectedPieceLength + 1},
          {"a/b/also empty"},
          {"three pieces", 3 * kSelectedPieceLength},
          {"last", 5}};
}

// What a session makes of `payload` with this selection; the seeder that gave it is told what was asked for.
struct Download {
  Download(const Payload& payload, const std::vector<bool>& wanted, Folders* folders) : seeder(&payload, {}) {
    seeder.Open();
    TestSession session(folders);
    TorrentOptions options;
    options.wanted = wanted;
    session.Add(payload, {seeder.address()}, options);
    EXPECT_TRUE(session.WaitDone()) << session.Status().done_bytes << " of " << session.Status().wanted_bytes
                                    << " bytes, state " << static_cast<int>(session.Status().state) << ", asked "
                                    << seeder.requests() << " of " << seeder.connections();
    EXPECT_TRUE(session->WaitStopped(session.id(), kPatience));
    status = session.Status();
  }
  ScriptedSeeder seeder;
  TorrentStatus status;
};

TEST(Files, OfAllSizesAreMade) {
  const Payload payload("sizes", FilesOfAllSizes(), kSelectedPieceLength);
  Folders folders;
  Download download(payload, {}, &folders);
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_EQ(download.status.downloaded_bytes, payload.size());
  EXPECT_EQ(download.status.done_bytes, payload.size());
}

TEST(Files, SingleOnesOfAllSizesAreMade) {
  for (uint64_t length : {uint64_t{1}, uint64_t{kSelectedPieceLength - 1}, uint64_t{kSelectedPieceLength},
                          uint64_t{kSelectedPieceLength + 1}}) {
    const Payload payload("single", length, kSelectedPieceLength);
    Folders folders;
    Download download(payload, {}, &folders);
    EXPECT_EQ(payload.Differences(folders.output.path()), "") << length;
  }
}

TEST(Files, EmptyOnesAloneAreATorrentToo) {
  const Payload payload("nothing", {{"one"}, {"deep/down/two"}}, kSelectedPieceLength);
  Folders folders;
  TestSession session(&folders);
  session.Add(payload, {});
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

TEST(Files, OfASelectionAreMadeAloneAndWhole) {
  const Payload payload("sizes", FilesOfAllSizes(), kSelectedPieceLength);
  const struct {
    const char* name;
    std::vector<bool> wanted;
    uint64_t pieces;
  } kCases[] = {
      {"one byte", {false, true, false, false, false, false, false, false}, 1},
      {"the first empty one", {true, false, false, false, false, false, false, false}, 0},
      {"one that ends in the next piece", {false, false, false, false, true, false, false, false}, 2},
      {"the last, and an empty one", {false, false, false, false, false, true, false, true}, 1},
  };
  for (const auto& c : kCases) {
    Folders folders;
    Download download(payload, c.wanted, &folders);
    EXPECT_EQ(payload.Differences(folders.output.path(), c.wanted), "") << c.name;
    EXPECT_LE(download.status.downloaded_bytes, c.pieces * kSelectedPieceLength) << c.name;
    // What else its pieces hold lies in the state folder, not among the files.
    bool part_file = false;
    for (const std::string& file : FilesBelow(folders.state.path())) part_file |= absl::EndsWith(file, ".part");
    EXPECT_EQ(part_file, c.pieces > 0) << c.name;
  }
}

TEST(Files, OfALaterSelectionComeFromThePartFileAndTheRestOfTheTorrent) {
  const Payload payload("sizes", FilesOfAllSizes(), kSelectedPieceLength);
  Folders folders;
  Download first(payload, {false, true, false, false, false, false, false, false}, &folders);
  Download second(payload, {}, &folders);
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
  EXPECT_EQ(first.status.downloaded_bytes, kSelectedPieceLength);
  EXPECT_EQ(second.status.downloaded_bytes, payload.size() - kSelectedPieceLength);
  EXPECT_EQ(second.seeder.RequestsOf(0), 0u);
}

// BEP 47: pads are zeros that nobody stores.
TEST(Files, ThatArePadsAreNeverMade) {
  const Payload payload("padded",
                        {{"one", 1000},
                         {".pad/31768", kSelectedPieceLength - 1000, true},
                         {"two", kSelectedPieceLength + 7},
                         {".pad/32761", kSelectedPieceLength - 7, true},
                         {"three", 50}},
                        kSelectedPieceLength);
  Folders folders;
  Download download(payload, {}, &folders);
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

TEST(Files, ThatAreSomebodyElsesAreLeftAloneUnlessToldOtherwise) {
  const Payload payload("foreign.bin", 3 * kSelectedPieceLength, kSelectedPieceLength);
  Folders folders;
  const std::string path = payload.PathIn(folders.output.path(), 0);
  WriteFile(path, "my diary");
  ScriptedSeeder seeder(&payload, {});
  seeder.Open();
  {
    TestSession session(&folders);
    session.Add(payload, {seeder.address()});
    ASSERT_TRUE(session.events().Wait<ErrorEvent>());
    ASSERT_TRUE(session->WaitStopped(session.id(), kPatience));
    EXPECT_EQ(session.Status().failure, Failure::kDisk);
    EXPECT_TRUE(absl::StrContains(session.Status().error.message(), path)) << session.Status().error;
    EXPECT_EQ(ReadFile(path), "my diary");
  }
  TestSession session(&folders);
  TorrentOptions options;
  options.overwrite = true;
  session.Add(payload, {seeder.address()}, options);
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(payload.Differences(folders.output.path()), "");
}

}  // namespace
}  // namespace torrent::test
