// What the command line asks without a session.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "test/support/fake_udp_tracker.h"
#include "torrent/metainfo.h"
#include "torrent/session.h"

namespace torrent::test {
namespace {

TEST(ScrapeTrackers, AsksUdpTrackersFromAPortOfItsOwn) {
  FakeUdpTracker fake([](const FakeUdpTracker::Request& request, size_t) -> std::vector<std::string> {
    if (request.action() == 0) return {request.Connected()};
    std::string reply = request.Head(2);
    for (uint32_t number : {5u, 7u, 3u}) AppendBE32(&reply, number);
    return {reply};
  });
  Metainfo metainfo;
  metainfo.infohash = Infohash::FromRaw(std::string(20, 'i'));
  metainfo.trackers = {{fake.url(), fake.url("/admin")}};
  const std::vector<ScrapeResult> results = ScrapeTrackers(metainfo);
  ASSERT_EQ(results.size(), 2u);
  EXPECT_TRUE(results[0].status.ok()) << results[0].status;
  EXPECT_EQ(results[0].tracker, fake.url());
  EXPECT_EQ(results[0].complete, 5);
  EXPECT_EQ(results[0].downloaded, 7);
  EXPECT_EQ(results[0].incomplete, 3);
  EXPECT_TRUE(absl::IsPermissionDenied(results[1].status)) << results[1].status;
  ASSERT_EQ(fake.requests().size(), 2u);
  EXPECT_EQ(fake.requests()[1].bytes.substr(16), std::string(20, 'i'));
}

}  // namespace
}  // namespace torrent::test
