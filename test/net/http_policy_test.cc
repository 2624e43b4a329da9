#include "net/http_policy.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

absl::Status Check(HttpPolicy policy, const char* url, const char* address) {
  return CheckTarget(policy, *Url::Parse(url), *Address::Parse(address));
}

// libtorrent audit F1, #5303, #5319, #5346 (hazard 69).
TEST(HttpPolicyTest, LetsTorrentsReachOnlyTrackersOnThisMachine) {
  const HttpPolicy tracker = HttpPolicy::kTracker;
  EXPECT_TRUE(Check(tracker, "http://h/announce", "127.0.0.1").ok());
  EXPECT_TRUE(Check(tracker, "http://h/announce.php?passkey=1", "::1").ok());
  EXPECT_TRUE(Check(tracker, "http://h/scrape?x", "127.0.0.1").ok());
  for (const char* url : {"http://h/", "http://h/admin", "http://h/x/announce", "http://h/announce/../admin",
                          "http://h/announce/%2e%2e/admin", "http://h/announce\\..\\admin", "http://h/?/announce"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Check(tracker, url, "127.0.0.1"))) << url;
    EXPECT_TRUE(Check(tracker, url, "93.184.216.34").ok()) << url;
  }
  EXPECT_TRUE(Check(tracker, "http://h/admin", "192.168.1.1").ok());
  for (const char* never : {"169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "64:ff9b::a9fe:a9fe"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Check(tracker, "http://h/announce", never))) << never;
    EXPECT_TRUE(absl::IsPermissionDenied(Check(HttpPolicy::kWebSeed, "http://h/announce", never))) << never;
    EXPECT_TRUE(Check(HttpPolicy::kUser, "http://h/x", never).ok()) << never;
  }
}

TEST(HttpPolicyTest, LetsNoWebSeedAskALocalService) {
  EXPECT_TRUE(Check(HttpPolicy::kWebSeed, "http://h/file?delete=all", "93.184.216.34").ok());
  for (const char* local : {"127.0.0.1", "10.1.2.3", "100.64.0.1", "::1", "fd00::1"}) {
    EXPECT_FALSE(Check(HttpPolicy::kWebSeed, "http://h/file?delete=all", local).ok()) << local;
    EXPECT_TRUE(Check(HttpPolicy::kWebSeed, "http://h/file", local).ok()) << local;
  }
}

TEST(HttpPolicyTest, LetsNoRedirectLeadFurtherIn) {
  const Address global = *Address::Parse("93.184.216.34"), other = *Address::Parse("8.8.8.8"),
                local = *Address::Parse("192.168.1.1"), loopback = *Address::Parse("127.0.0.1"),
                metadata = *Address::Parse("169.254.169.254");
  EXPECT_TRUE(CheckRedirect(global, other).ok());
  EXPECT_TRUE(CheckRedirect(local, global).ok());
  EXPECT_TRUE(CheckRedirect(loopback, local).ok());
  for (const Address& inner : {local, loopback, metadata}) {
    EXPECT_TRUE(absl::IsPermissionDenied(CheckRedirect(global, inner))) << inner.ToString();
  }
  EXPECT_FALSE(CheckRedirect(local, loopback).ok());
  EXPECT_FALSE(CheckRedirect(loopback, metadata).ok());
  EXPECT_TRUE(CheckRedirect(metadata, metadata).ok());
}

TEST(HttpPolicyTest, RefusesAnnouncesBakedIntoAUrl) {
  for (const char* query : {"info_hash=x", "a=b&peer_id=x", "PORT=1", "%70ort=1", "event", "a;key=1", "left=0&x",
                            "uploaded=1", "downloaded=1", "Corrupt=1"}) {
    const absl::Status status = CheckAnnounceUrl(*Url::Parse(std::string("http://h/announce?") + query));
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << query;
  }
  for (const char* query : {"", "passkey=1", "support=1", "x=port", "keys=1"}) {
    EXPECT_TRUE(CheckAnnounceUrl(*Url::Parse(std::string("http://h/announce?") + query)).ok()) << query;
  }
}

}  // namespace
}  // namespace torrent
