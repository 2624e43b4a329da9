#include "cli/progress_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <locale.h>

#include "cli/text_width.h"

namespace torrent {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ProgressLineTest : public ::testing::Test {
 protected:
  ProgressLineTest() { setlocale(LC_CTYPE, "C.UTF-8"); }

  static TorrentStatus Downloading() {
    TorrentStatus status;
    status.state = TorrentState::kDownloading;
    status.wanted_bytes = 1u << 30;
    status.done_bytes = (1u << 30) / 4;
    status.download_rate = 8 << 20;
    status.upload_rate = 100 << 10;
    status.connected_peers = 12;
    status.known_peers = 80;
    status.connected_seeds = 5;
    return status;
  }
};

TEST_F(ProgressLineTest, HasEverythingOnAWideTerminal) {
  EXPECT_EQ(
      ProgressLine("name", Downloading(), 120, false),
      "name  [#########-----------------------------]  25.0%  down 8.0 MiB/s  up 100 KiB/s  ETA 1:36  12/80 peers  "
      "5 seeds");
}

TEST_F(ProgressLineTest, IsNeverWiderThanTheTerminal) {
  for (const char* name :
       {"n", "a name of middling length", "日本語のとても長い名前のファイル日本語のとても長い名前", ""}) {
    for (int state = 0; state <= static_cast<int>(TorrentState::kStopped); ++state) {
      TorrentStatus status = Downloading();
      status.state = static_cast<TorrentState>(state);
      status.check_total_bytes = 1 << 20;
      for (int columns = 0; columns <= 200; ++columns) {
        for (bool unicode : {false, true}) {
          const std::string line = ProgressLine(name, status, columns, unicode);
          EXPECT_LE(TextWidth(line), columns) << line;
        }
      }
    }
  }
}

TEST_F(ProgressLineTest, KeepsPercentLongestWhenRoomGrowsShort) {
  EXPECT_THAT(ProgressLine("name", Downloading(), 30, false), HasSubstr("down"));
  const std::string narrow = ProgressLine("name", Downloading(), 14, false);
  EXPECT_THAT(narrow, HasSubstr("25.0%"));
  EXPECT_THAT(narrow, Not(HasSubstr("down")));
}

TEST_F(ProgressLineTest, CutsALongNameWithAnEllipsis) {
  EXPECT_THAT(ProgressLine(std::string(300, 'x'), Downloading(), 100, true), HasSubstr("x…  "));
}

TEST_F(ProgressLineTest, BarIsFullOnlyWhenNothingIsMissing) {
  TorrentStatus status = Downloading();
  status.done_bytes = status.wanted_bytes - 1;
  EXPECT_THAT(ProgressLine("n", status, 100, false), HasSubstr("#-]"));
  status.done_bytes = status.wanted_bytes;
  EXPECT_THAT(ProgressLine("n", status, 100, false), HasSubstr("##]"));
}

TEST_F(ProgressLineTest, HashingHasItsOwnBar) {
  TorrentStatus status = Downloading();
  status.state = TorrentState::kChecking;
  status.checked_bytes = 512 << 20;
  status.check_total_bytes = 1 << 30;
  const std::string line = ProgressLine("n", status, 80, false);
  EXPECT_THAT(line, HasSubstr("checking  50.0%  512 MiB of 1.0 GiB"));
  EXPECT_THAT(line, HasSubstr("[###"));
  // Before it is known how much there is to hash, nothing looks complete.
  status = TorrentStatus();
  EXPECT_THAT(ProgressLine("n", status, 80, false), HasSubstr("[---"));
  EXPECT_THAT(ProgressLine("n", status, 80, false), Not(HasSubstr("100%")));
}

TEST_F(ProgressLineTest, MetadataHasItsOwnBar) {
  TorrentStatus status;
  status.state = TorrentState::kMetadata;
  status.connected_peers = 3;
  status.known_peers = 9;
  EXPECT_THAT(ProgressLine("n", status, 80, false), HasSubstr("]  metadata  3/9 peers"));
  EXPECT_THAT(ProgressLine("n", status, 80, false), Not(HasSubstr("#")));
  status.metadata_bytes = 32 << 10;
  status.metadata_total_bytes = 64 << 10;
  EXPECT_THAT(ProgressLine("n", status, 80, false), HasSubstr("metadata 32.0 KiB of 64.0 KiB  3/9 peers"));
  EXPECT_EQ(ProgressText("n", status), "n: metadata 32.0 KiB of 64.0 KiB, 3/9 peers");
}

TEST_F(ProgressLineTest, NoTimeLeftWhileNothingComes) {
  TorrentStatus status = Downloading();
  status.download_rate = 0;
  EXPECT_FALSE(SecondsLeft(status).has_value());
  EXPECT_THAT(ProgressLine("n", status, 120, false), Not(HasSubstr("ETA")));
}

TEST_F(ProgressLineTest, SaysWhyNothingComes) {
  const std::pair<Stall, const char*> rows[] = {
      {Stall::kDiskFull, "disk full"},
      {Stall::kNoPeersKnown, "no peers known"},
      {Stall::kNoneAnswers, "80 known, none answers"},
      {Stall::kLackPieces, "12 connected, none has the missing pieces"},
      {Stall::kAllChoke, "12 connected, all choke us"},
      {Stall::kNoneSends, "12 connected, none sends"},
  };
  TorrentStatus status = Downloading();
  status.download_rate = 0;
  for (const auto& [stall, words] : rows) {
    status.stall = stall;
    EXPECT_EQ(StallText(status), words);
    const std::string line = ProgressLine("n", status, 120, false);
    EXPECT_THAT(line, EndsWith(std::string("  ") + words));
    EXPECT_THAT(line, Not(HasSubstr("80 peers"))) << "the words have the number";
    EXPECT_THAT(ProgressText("n", status), EndsWith(std::string("; ") + words));
    EXPECT_LE(TextWidth(ProgressLine("n", status, 40, false)), 40);
  }
  status.stall = Stall::kNone;
  EXPECT_EQ(StallText(status), "");
}

TEST_F(ProgressLineTest, SeedingShowsTheRatioOverAllRuns) {
  TorrentStatus status = Downloading();
  status.state = TorrentState::kSeeding;
  status.done_bytes = status.wanted_bytes;
  status.uploaded_bytes = 1u << 30;
  status.uploaded_before_bytes = 1u << 29;
  EXPECT_THAT(ProgressLine("n", status, 120, false), HasSubstr("seeding  ratio 1.5  up"));
}

TEST_F(ProgressLineTest, TextForALogIsOneLineInWords) {
  EXPECT_EQ(ProgressText("name", Downloading()),
            "name: 25.0% of 1.0 GiB, down 8.0 MiB/s, up 100 KiB/s, 1:36 left, 12/80 peers, 5 seeds");
}

TEST_F(ProgressLineTest, SummaryHasSizeTimeRateWasteAndCorruption) {
  TorrentStatus status = Downloading();
  status.downloaded_bytes = 1u << 30;
  status.seconds = 64;
  status.wasted_bytes = 16384;
  status.corrupt_bytes = 1 << 20;
  EXPECT_EQ(SummaryText("n", status), "n: 1.0 GiB in 1:04, 16.0 MiB/s on average, 16.0 KiB wasted, 1.0 MiB corrupt");
  // Where the peers came from that we were connected to.
  status.peers_by_source[static_cast<size_t>(PeerSource::kDht)] = {100, 5, 30};
  status.peers_by_source[static_cast<size_t>(PeerSource::kTracker)] = {50, 0, 12};
  status.peers_by_source[static_cast<size_t>(PeerSource::kLan)] = {50, 0, 0};
  EXPECT_THAT(SummaryText("n", status), EndsWith(" corrupt; peers: 12 tracker, 30 dht"));
  status.downloaded_bytes = 0;
  EXPECT_THAT(SummaryText("n", status), StartsWith("n: 1.0 GiB, all of it was there already"));
}

TEST(TextWidthTest, CountsColumnsAndNotBytes) {
  setlocale(LC_CTYPE, "C.UTF-8");
  EXPECT_EQ(TextWidth("abc"), 3);
  EXPECT_EQ(TextWidth("äöü"), 3);
  EXPECT_EQ(TextWidth("日本"), 4);
  EXPECT_EQ(TextWidth("e\u0301"), 1);
  EXPECT_EQ(TextWidth("a\xff"), 2);
}

TEST(TextWidthTest, CutsBeforeACharacterThatDoesNotFit) {
  setlocale(LC_CTYPE, "C.UTF-8");
  EXPECT_EQ(CutToWidth("abcdef", 6), "abcdef");
  EXPECT_EQ(CutToWidth("abcdef", 5), "abcd…");
  EXPECT_EQ(CutToWidth("日本語", 5), "日本…");
  EXPECT_EQ(CutToWidth("日本語", 4), "日…");
  EXPECT_EQ(FitToWidth("日本語", 4), "日… ");
  EXPECT_EQ(CutToWidth("abc", 0), "");
  EXPECT_EQ(CutToWidth("abe\u0301d", 3), "ab…");
  EXPECT_EQ(FitToWidth("a", 3), "a  ");
}

}  // namespace
}  // namespace torrent
