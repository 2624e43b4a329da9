#include "lan/lan_torrents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/thread.h"
#include "base/wakeup.h"

namespace torrent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Infohash TorrentHash(char c) { return Infohash::FromRaw(std::string(20, c)); }

class LanTorrentsTest : public ::testing::Test {
 protected:
  LanTorrents::OnPeer Collect() {
    return [this](const Endpoint& peer) { told_.push_back(peer.ToString()); };
  }
  void Hear(const std::string& source, uint16_t port, const Infohash& infohash) {
    torrents_.Hear(*Address::Parse(source), {port, {infohash}, ""}, now_);
  }

  TimePoint now_ = TimePoint() + std::chrono::hours(1);
  LanTorrents torrents_{1};
  std::vector<std::string> told_;
};

TEST_F(LanTorrentsTest, ANewTorrentIsDueAtOnceAndThenEachFiveMinutes) {
  EXPECT_EQ(torrents_.NextDue(), TimePoint::max());
  EXPECT_THAT(torrents_.TakeDue(now_), IsEmpty());
  torrents_.Add(TorrentHash('a'), Collect());
  EXPECT_LE(torrents_.NextDue(), now_);
  EXPECT_THAT(torrents_.TakeDue(now_), ElementsAre(TorrentHash('a')));
  for (int i = 0; i < 20; ++i) {
    const TimePoint next = torrents_.NextDue();
    EXPECT_GE(next, now_ + minutes(5));
    EXPECT_LE(next, now_ + minutes(5) + seconds(30));
    EXPECT_THAT(torrents_.TakeDue(next - std::chrono::milliseconds(1)), IsEmpty());
    EXPECT_THAT(torrents_.TakeDue(next), ElementsAre(TorrentHash('a')));
    now_ = next;
  }
}

TEST_F(LanTorrentsTest, RoundsAreAMinuteApartButNewTorrentsDoNotWait) {
  for (char c = 'a'; c < 'f'; ++c) {
    torrents_.Add(TorrentHash(c), Collect());
    EXPECT_THAT(torrents_.TakeDue(now_), ElementsAre(TorrentHash(c)));
    now_ += seconds(7);
  }
  TimePoint last_round = TimePoint::min();
  size_t said = 0;
  for (const TimePoint end = now_ + minutes(60); now_ < end;) {
    now_ = torrents_.NextDue();
    said += torrents_.TakeDue(now_).size();
    if (last_round != TimePoint::min()) {
      EXPECT_GE(now_, last_round + minutes(1));
    }
    last_round = now_;
  }
  EXPECT_GE(said, 5u * 8);
  EXPECT_LE(said, 5u * 13);
  torrents_.Add(TorrentHash('z'), Collect());
  EXPECT_THAT(torrents_.TakeDue(now_), ElementsAre(TorrentHash('z')));
}

TEST_F(LanTorrentsTest, TellsTheTorrentsThatAMessageNames) {
  torrents_.Add(TorrentHash('a'), Collect());
  std::vector<std::string> others;
  torrents_.Add(TorrentHash('b'), [&](const Endpoint& peer) { others.push_back(peer.ToString()); });
  torrents_.Hear(*Address::Parse("10.0.0.1"), {6881, {TorrentHash('x'), TorrentHash('a'), TorrentHash('b')}, ""}, now_);
  Hear("fd00::1", 1, TorrentHash('a'));
  EXPECT_THAT(told_, ElementsAre("10.0.0.1:6881", "[fd00::1]:1"));
  EXPECT_THAT(others, ElementsAre("10.0.0.1:6881"));
}

// hazard 91
TEST_F(LanTorrentsTest, OnePeerOfAnAddressAMinuteAndTheSameOneEachFive) {
  torrents_.Add(TorrentHash('a'), Collect());
  for (uint16_t port = 1; port <= 100; ++port) Hear("10.0.0.1", port, TorrentHash('a'));
  EXPECT_THAT(told_, ElementsAre("10.0.0.1:1"));
  now_ += minutes(1);
  Hear("10.0.0.1", 1, TorrentHash('a'));
  EXPECT_EQ(told_.size(), 1u);
  for (uint16_t port = 2; port <= 100; ++port) Hear("10.0.0.1", port, TorrentHash('a'));
  EXPECT_THAT(told_, ElementsAre("10.0.0.1:1", "10.0.0.1:2"));
  now_ += minutes(5);
  Hear("10.0.0.1", 2, TorrentHash('a'));
  EXPECT_EQ(told_.size(), 3u);
}

TEST_F(LanTorrentsTest, RemembersABoundedNumberOfAddresses) {
  torrents_.Add(TorrentHash('a'), Collect());
  for (size_t i = 0; i < 2 * kMaxLanSources; ++i)
    Hear(absl::StrCat("10.1.", i / 256, ".", i % 256), 1, TorrentHash('a'));
  EXPECT_EQ(told_.size(), kMaxLanSources);
  now_ += minutes(5);
  Hear("10.2.0.1", 1, TorrentHash('a'));
  EXPECT_EQ(told_.size(), kMaxLanSources + 1);
}

TEST_F(LanTorrentsTest, AddressesThatNoHintMayLeadToAreNotTold) {
  torrents_.Add(TorrentHash('a'), Collect());
  for (const char* source : {"0.0.0.0", "169.254.1.1", "fe80::1", "224.0.0.1", "ff15::1"}) {
    Hear(source, 6881, TorrentHash('a'));
  }
  Hear("10.0.0.1", 0, TorrentHash('a'));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(LanTorrentsTest, OneThatIsRemovedIsNeitherDueNorTold) {
  const uint64_t a = torrents_.Add(TorrentHash('a'), Collect());
  torrents_.Add(TorrentHash('b'), Collect());
  torrents_.Add(TorrentHash('b'), Collect());
  torrents_.Remove(a);
  torrents_.Remove(a);
  Hear("10.0.0.1", 1, TorrentHash('a'));
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_THAT(torrents_.TakeDue(now_), ElementsAre(TorrentHash('b')));  // once, under two handles
  Hear("10.0.0.1", 1, TorrentHash('b'));
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(LanTorrentsTest, RemoveWaitsForTheCallbackThatRuns) {
  const Wakeup entered = *Wakeup::Create();
  std::atomic<bool> leave{false}, left{false};
  const uint64_t id = torrents_.Add(TorrentHash('a'), [&](const Endpoint&) {
    entered.Notify();
    const TimePoint deadline = Now() + seconds(20);
    while (!leave && Now() < deadline) std::this_thread::yield();
    left = true;
    throw std::bad_alloc();  // costs this call only
  });
  Thread hearing = *Thread::Start("hearing", [&] { Hear("10.0.0.1", 1, TorrentHash('a')); });
  uint64_t count;
  const TimePoint deadline = Now() + seconds(20);
  while (read(entered.fd(), &count, sizeof count) < 0 && Now() < deadline) std::this_thread::yield();
  bool left_when_removed = false;
  Thread removing = *Thread::Start("removing", [&] {
    torrents_.Remove(id);
    left_when_removed = left;
  });
  leave = true;
  removing.Join();
  hearing.Join();
  EXPECT_TRUE(left_when_removed);
}

}  // namespace
}  // namespace torrent
