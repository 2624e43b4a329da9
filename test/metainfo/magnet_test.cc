#include "torrent/magnet.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "metainfo/selection.h"

namespace torrent {
namespace {

const std::string kHash = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";
const std::string kV2 = "1220" + kHash + "cdcdcdcdcdcdcdcdcdcdcdcd";
const std::string kLink = "magnet:?xt=urn:btih:" + kHash;

Magnet Parse(const std::string& link) {
  absl::StatusOr<Magnet> magnet = ParseMagnet(link);
  EXPECT_TRUE(magnet.ok()) << link.substr(0, 200) << ": " << magnet.status();
  return magnet.ok() ? *std::move(magnet) : Magnet();
}

std::string Selected(const std::string& parameters) {
  std::string text;
  for (const auto& [first, last] : Parse(kLink + parameters).selected) {
    for (uint32_t i = first; i <= last; ++i) absl::StrAppend(&text, text.empty() ? "" : " ", i);
  }
  return text;
}

TEST(MagnetTest, ReadsAnInfohashHoweverItIsWritten) {
  const std::string rows[] = {
      kLink,
      "MAGNET:?xt=urn:btih:" + kHash,
      "magnet:?xt=urn%3Abtih%3A" + kHash,
      "magnet:?xt=urn:btih:" + kHash.substr(0, 39) + "%64",
      "magnet:?XT=URN:BTIH:CDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCD",
      "magnet:?xt.1=urn:btih:" + kHash,
      "magnet:?xt=urn:btih:ZXG43TONZXG43TONZXG43TONZXG43TON",
      "magnet:?xt=urn:btih:zxg43tonzxg43tonzxg43tonzxg43ton",
      "magnet:?dn=a%zz&&=&x&kt=%&foo=bar&xt=urn:btih:" + kHash,
      "magnet:?xt=urn:ed2k:354B15E68FB8F36D7CD88FF94116CDC1&xt=urn:btih:" + kHash,
      "magnet:?xt=urn:btmh:" + kV2 + "&xt=urn:btih:" + kHash,
      "magnet:?xt=urn:btih:" + kHash + "&xt=urn:btmh:" + kV2,
      "magnet:?xt=urn:btih:" + kHash + "&xt=urn:btih:abababababababababababababababababababab",
  };
  for (const std::string& row : rows) EXPECT_EQ(Parse(row).infohash.Hex(), kHash) << row;
  EXPECT_EQ(Parse("magnet:?xt=urn:btih:MFRGCYTBMJQWEYLCMFRGCYTBMJQWEYLC").infohash.Raw(), "abababababababababab");
}

TEST(MagnetTest, RefusesWhatNamesNoTorrent) {
  const std::string rows[] = {
      "",
      "magnet:",
      "magnet:?",
      "magnet://?xt=urn:btih:" + kHash,
      "http://example.org/?xt=urn:btih:" + kHash,
      "magnet:?dn=foo",
      "magnet:?xt=blah",
      "magnet:?xt=",
      "magnet:?xt=urn:btih:",
      "magnet:?xt=urn:btih:abababab",
      "magnet:?xt=urn:btih:ababababababababababab",
      "magnet:?xt=urn:btih:" + kHash + "c",
      "magnet:?xt=urn:btih: abababababababababab",
      "magnet:?xt=urn:btih:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdxx",
      "magnet:?xt=urn:btih:MFRGCYTBMJQWEYLCMFRGCYTBMJQWEYL1",
      "magnet:?xt=urn%%3Abtih%3A" + kHash,
      "magnet:?xt=urn:btih:" + kHash + "%",
      "magnet:?xt=urn:btih:" + kHash + "\n",
      "magnet:?xt=urn:btmh:1221" + kV2.substr(4),
      "magnet:?xt=urn:btmh:" + kV2.substr(0, 60),
      "magnet:?xt=urn:btmh:" + kV2.substr(0, 67) + "x",
      "magnet:?xt=urn:ed2k:354B15E68FB8F36D7CD88FF94116CDC1",
      "magnet:?tr=udp%3A%2F%2Ftracker.openjnt.com%\xf7"
      "A80&xt=urn:btih:a38d02c287893842a39737aa866e00828aA80&xt=urn:buntu+11.04+%28Final%29",
      "magnet:?ws=udp%3A%2F%2Ftracker.openjnt.com%\xf7"
      "A80",
  };
  for (const std::string& row : rows) {
    const absl::Status status = ParseMagnet(row).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << row << ": " << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "\n")) << row;
  }
}

TEST(MagnetTest, RefusesAV2TorrentByName) {
  EXPECT_TRUE(absl::IsUnimplemented(ParseMagnet("magnet:?xt=urn:btmh:" + kV2).status()));
  EXPECT_TRUE(LooksLikeMagnet("Magnet:?xt=urn:btmh:" + kV2));
  EXPECT_FALSE(LooksLikeMagnet("magnet.torrent"));
}

TEST(MagnetTest, TrackersAreATierEach) {
  using Tiers = std::vector<std::vector<std::string>>;
  EXPECT_EQ(Parse(kLink + "&tr.0=udp://1&tr.1=http://2&tr=http://3").trackers,
            (Tiers{{"udp://1"}, {"http://2"}, {"http://3"}}));
  EXPECT_EQ(Parse(kLink + "&tr.a=udp://1&TR.1=http://2").trackers, (Tiers{{"http://2"}}));
  EXPECT_EQ(
      Parse(kLink + "&tr=http://a/announce&tr=http://b/announce&tr=http://a/announce&tr=http://c/announce").trackers,
      (Tiers{{"http://a/announce"}, {"http://b/announce"}, {"http://c/announce"}}));
  EXPECT_EQ(Parse(kLink + "&tr=udp%3A%2F%2Ftracker.example.org%3A80%2Fannounce%3Fkey%3D1%2B2").trackers,
            (Tiers{{"udp://tracker.example.org:80/announce?key=1+2"}}));
  for (const char* broken :
       {"&tr=", "&tr=tracker", "&tr=http%3A%2F%2Fa%", "&tr=http%3A%2F%2Fa%xx", "&tr=http://a%0d%0ab"}) {
    EXPECT_TRUE(Parse(kLink + broken).trackers.empty()) << broken;
    EXPECT_EQ(Parse(kLink + broken).notice, "") << broken;
  }
}

TEST(MagnetTest, ReadsNameWebSeedsPeersAndNodes) {
  const Magnet magnet = Parse(kLink +
                              "&dN=foo+b%C3%A4r%0a&Ws=http%3A%2F%2Ffoo.com%2Fa%20b&ws=https://bar.com/&ws=ftp%"
                              "&x.pe=127.0.0.1:43&x.pe=<invalid1>&x.pe=<invalid2>:100&x.pe=[::1]:45"
                              "&x.pe=[0:0::1]:45&x.pe=1.2.3.4:0&x.pe=1.2.3.4:65536&x.pe=::1:45&x.pe=example.org:80"
                              "&dht=router.example.org:6881&dht=[::1]:7&dht=x&dht=:1&dht=a:0&dht=[::1:7");
  EXPECT_EQ(magnet.name, "foo b\xc3\xa4r\xef\xbf\xbd");
  EXPECT_EQ(magnet.web_seeds, (std::vector<std::string>{"http://foo.com/a%20b", "https://bar.com/"}));
  EXPECT_EQ(magnet.peers, (std::vector<std::string>{"127.0.0.1:43", "[::1]:45"}));
  EXPECT_TRUE(Parse(kLink + "&x.pe=1.2.3.4%00x:5&x.pe=[::1%00]:6").peers.empty()) << "a NUL ends no address";
  EXPECT_EQ(magnet.nodes, (std::vector<std::pair<std::string, uint16_t>>{{"router.example.org", 6881}, {"::1", 7}}));
  EXPECT_EQ(Parse(kLink + "&dn=100%+sure").name, "100%+sure") << "not escaped at all, so nothing is undone";
  EXPECT_LE(Parse(kLink + "&dn=" + std::string(5000, 'x')).name.size(), 255u);
}

TEST(MagnetTest, SelectsFiles) {
  EXPECT_EQ(Selected("&dn=foo&so=0,2,4,6-8"), "0 2 4 6 7 8");
  EXPECT_EQ(Selected("&so=0,2-4,3-5"), "0 2 3 4 5");
  EXPECT_EQ(Selected("&so=2-4&so=1"), "1 2 3 4");
  EXPECT_EQ(Selected("&so=7-4,100000000&so=10"), "10");
  EXPECT_EQ(Selected("&so=0-100000000&so=10"), "10");
  EXPECT_EQ(Selected("&so=-4&so=1"), "1");
  EXPECT_EQ(Selected("&so=3-&so=1"), "1");
  EXPECT_EQ(Selected("&so=a&so=1"), "1");
  EXPECT_EQ(Selected("&so=%2B2&so=1"), "1");
  EXPECT_EQ(Selected("&so=&so="), "");
  EXPECT_EQ(Selected("&so=,,1"), "1");
  EXPECT_EQ(Selected("&so=\"1,2\""), "");
  EXPECT_EQ(Parse(kLink + "&so=5,6,1-4").selected, (std::vector<std::pair<uint32_t, uint32_t>>{{1, 6}}));
}

TEST(MagnetTest, RangesBecomeFlagsAFile) {
  Metainfo metainfo;
  metainfo.files.resize(4);
  metainfo.files[1].pad = true;
  const auto flags = [&metainfo](const char* parameters) {
    absl::StatusOr<std::vector<bool>> wanted = SelectRanges(metainfo, Parse(kLink + parameters).selected);
    std::string text;
    if (!wanted.ok()) return std::string("none");
    for (bool is : *wanted) text.push_back(is ? '1' : '0');
    return text;
  };
  EXPECT_EQ(flags(""), "1011");
  EXPECT_EQ(flags("&so=0-2"), "1010");
  EXPECT_EQ(flags("&so=3,7,9-400000"), "0001");
  EXPECT_EQ(flags("&so=1"), "none") << "a pad file";
  EXPECT_EQ(flags("&so=4"), "none");
}

// CVE-2010-0748 (hazard 30): thousands of trackers.
TEST(MagnetTest, TakesABoundedNumberOfTrackersAndSaysSo) {
  std::string link = kLink;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&link, "&tr=http://t", i, "/a");
  const Magnet magnet = Parse(link);
  EXPECT_EQ(magnet.trackers.size(), kMaxTrackers);
  EXPECT_EQ(magnet.notice, "magnet link: 1900 trackers left out, 100 are taken");
  const std::string longest = kLink + "&dn=" + std::string(kMaxMagnetBytes - kLink.size() - 4, 'x');
  EXPECT_TRUE(ParseMagnet(longest).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ParseMagnet(longest + "x").status()));
}

// Hazard 35: look-alikes.
TEST(MagnetTest, LeavesOutHostsThatMayLookLikeOthers) {
  const Magnet magnet = Parse(kLink +
                              "&tr=http://xn--80ak6aa92e.com/announce&tr=http://a.XN--p1ai/announce"
                              "&ws=http://ex%C3%A4mple.org/&tr=http://exn--ample.com/xn--/announce");
  EXPECT_EQ(magnet.trackers, (std::vector<std::vector<std::string>>{{"http://exn--ample.com/xn--/announce"}}));
  EXPECT_TRUE(magnet.web_seeds.empty());
  EXPECT_EQ(magnet.notice, "magnet link: 3 left out whose host name may look like another (punycode)");
}

TEST(MagnetTest, NoPrefixOfALinkIsReadBeyondItsEnd) {
  const std::string link = kLink + "&dn=%41&tr=http%3A%2F%2Fa&x.pe=[::1]:4&so=1-2&dht=a:1";
  for (size_t size = 0; size <= link.size(); ++size) {
    const std::vector<char> exact(link.begin(), link.begin() + static_cast<ptrdiff_t>(size));
    // 32 of its hex digits are base32, too.
    const bool names_one = size >= kLink.size() || size == kLink.size() - 8;
    EXPECT_EQ(ParseMagnet({exact.data(), exact.size()}).ok(), names_one) << size;
  }
}

TEST(MagnetTest, ALinkOfATorrentNamesItAgain) {
  Metainfo metainfo;
  metainfo.infohash = *Infohash::FromHex(kHash);
  metainfo.name = "a & b/\xc3\xa4";
  metainfo.trackers = {{"http://a/announce?x=1&y=2", "udp://b:80"}, {"http://c/announce"}};
  metainfo.web_seeds = {"http://foo.com/bar"};
  const std::string link = MagnetLink(metainfo);
  EXPECT_EQ(link, kLink +
                      "&dn=a%20%26%20b%2f%c3%a4&tr=http%3a%2f%2fa%2fannounce%3fx%3d1%26y%3d2&tr=udp%3a%2f%2fb%3a80"
                      "&tr=http%3a%2f%2fc%2fannounce&ws=http%3a%2f%2ffoo.com%2fbar");
  const Magnet magnet = Parse(link);
  EXPECT_EQ(magnet.infohash, metainfo.infohash);
  EXPECT_EQ(magnet.name, metainfo.name);
  EXPECT_EQ(magnet.trackers.size(), 3u);
  EXPECT_EQ(magnet.web_seeds, metainfo.web_seeds);
}

TEST(MagnetTest, HintsComeBehindWhatIsThere) {
  const Magnet magnet = Parse(kLink + "&tr=http://a/announce&tr=http://b/announce&ws=http://s/x&dht=n.example.org:1");
  Metainfo metainfo;
  metainfo.multi_file = true;
  metainfo.trackers = {{"http://b/announce"}};
  AddHints(magnet, &metainfo);
  AddHints(magnet, &metainfo);
  EXPECT_EQ(metainfo.trackers, (std::vector<std::vector<std::string>>{{"http://b/announce"}, {"http://a/announce"}}));
  EXPECT_EQ(metainfo.web_seeds, (std::vector<std::string>{"http://s/x/"}));
  EXPECT_EQ(metainfo.nodes.size(), 1u);
  Metainfo of_tracker;
  of_tracker.is_private = true;
  AddHints(magnet, &of_tracker);
  EXPECT_TRUE(of_tracker.nodes.empty()) << "BEP 27: its trackers alone";
}

}  // namespace
}  // namespace torrent
