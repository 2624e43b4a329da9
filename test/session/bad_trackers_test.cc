// A download with a bad tracker before everything else, for each fault of the tables (tracker_faults.h). The fault
// costs its own announce and nothing more: the payload comes from the honest source beside it, nobody is connected to
// who may not be, what identifies the user goes nowhere else, and the session ends in time although the fault still
// hangs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>

#include "absl/strings/str_cat.h"
#include "test/session/fixture.h"
#include "test/session/tracker_faults.h"
#include "test/support/fake_trackers.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A download, an honest peer, a tracker that names it, and a listener that waits for those who were lured.
class Plagued {
 public:
  Plagued() { seeder_.Open(); }

  Surroundings around() const { return {seeder_.endpoint(), trap_.endpoint().ToString()}; }
  const ScriptedServer& trap() const { return trap_; }

  // With the tracker at `url` in the first tier and the honest one in the second, and with `typed` peers.
  void Add(const std::string& url, const std::vector<std::string>& typed) {
    auto metainfo = std::make_shared<Metainfo>(*payload_.metainfo());
    metainfo->trackers = {{url}, {honest_.url()}};
    TorrentOptions options;
    options.output_dir = folders_.output.path();
    options.peers = typed;
    const absl::StatusOr<TorrentId> id = session_->Add(metainfo, options);
    ASSERT_OK(id.status());
    id_ = *id;
  }
  // Whoever hangs has 5 s before the next tracker is asked; no test waits for that.
  void AddWhatHangs(const std::string& url) { Add(url, {seeder_.address()}); }

  void ExpectDone() {
    ASSERT_TRUE(session_.WaitDone());
    EXPECT_EQ(payload_.Differences(folders_.output.path()), "");
  }
  // What became of the bad tracker's `started`: nothing yet, if it hangs.
  void ExpectReport(Outcome outcome, absl::string_view says) {
    const std::vector<AnnounceEvent> announces = session_.events().All<AnnounceEvent>();
    const auto found = std::find_if(announces.begin(), announces.end(), [&](const AnnounceEvent& event) {
      return event.tracker != honest_.url() && event.event == "started";
    });
    if (outcome == Outcome::kHangs) {
      EXPECT_EQ(found, announces.end()) << "it did not hang: " << found->status;
      return;
    }
    ASSERT_NE(found, announces.end());
    EXPECT_EQ(found->status.ok(), outcome == Outcome::kAnswered) << found->status;
    EXPECT_EQ(honest_.requests().empty(), outcome == Outcome::kAnswered);
    EXPECT_THAT(std::string(found->status.message()), HasSubstr(std::string(says)));
    ExpectShowable(found->status.message());
    ExpectShowable(found->warning);
    EXPECT_EQ(found->peers >= 1, outcome == Outcome::kAnswered);
    EXPECT_LE(found->peers, 2000u);
  }
  void RequestStop() { session_->RequestStop(); }
  void ExpectStopped() { EXPECT_TRUE(session_->WaitStopped(id_, std::chrono::seconds(5))); }

 private:
  // Short, without control characters, and without what identifies the user.
  static void ExpectShowable(absl::string_view text) {
    EXPECT_LT(text.size(), 2000u);
    EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < 0x20; })) << text;
    EXPECT_THAT(std::string(text), Not(AnyOf(HasSubstr("pass3word"), HasSubstr("s3cretkey"))));
  }

  const Payload payload_{"plagued.bin", 100 * kKiB, 32 * kKiB};
  ScriptedSeeder seeder_{&payload_, {}};
  FakeTracker honest_{{seeder_.endpoint()}};
  ScriptedServer trap_{ScriptedServer::Always("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrap")};
  Folders folders_;
  TestSession session_{&folders_};
  TorrentId id_ = 0;
};

// The server of a fault over HTTP, and the URL under which a torrent names it.
class BadServer {
 public:
  BadServer(const HttpFault& fault, const Surroundings& around)
      : scheme_(fault.scheme), server_(Options(fault), fault.script(around)) {}
  std::string url() const {
    return absl::StrCat(scheme_, "://user:pass3word@", server_.endpoint().ToString(), "/announce?k=s3cretkey");
  }
  const ScriptedServer& server() const { return server_; }

 private:
  static ScriptedServer::Options Options(const HttpFault& fault) {
    ScriptedServer::Options options;
    options.speaks_first = fault.speaks_first;
    return options;
  }
  const std::string scheme_;
  ScriptedServer server_;
};

class HttpFaultTest : public ::testing::TestWithParam<HttpFault> {};

TEST_P(HttpFaultTest, CostsItsAnnounceOnly) {
  const HttpFault& fault = GetParam();
  Plagued download;
  const BadServer bad(fault, download.around());
  download.Add(bad.url(), {});
  download.ExpectDone();
  download.ExpectReport(fault.outcome, fault.says);
  download.RequestStop();
  download.ExpectStopped();
  EXPECT_GE(bad.server().connections(), 1);
  EXPECT_EQ(download.trap().connections(), fault.visitors_of_trap);
  for (const std::string& request : download.trap().requests()) {
    EXPECT_THAT(request, Not(AnyOf(HasSubstr("s3cretkey"), HasSubstr("Authorization"), HasSubstr("info_hash"))));
  }
  // What an answer says of intervals makes nobody hurry: started, completed and stopped are all.
  if (fault.outcome == Outcome::kAnswered) {
    EXPECT_LE(bad.server().connections(), 3);
  }
}

INSTANTIATE_TEST_SUITE_P(BadTrackers, HttpFaultTest, testing::ValuesIn(HttpFaults(/*hanging=*/false)),
                         [](const auto& info) { return info.param.name; });

class UdpFaultTest : public ::testing::TestWithParam<UdpFault> {};

TEST_P(UdpFaultTest, CostsItsAnnounceOnly) {
  const UdpFault& fault = GetParam();
  Plagued download;
  const FakeUdpTracker bad(fault.script(download.around()));
  download.Add(bad.url("/announce?k=s3cretkey"), {});
  download.ExpectDone();
  download.ExpectReport(fault.outcome, fault.says);
  download.RequestStop();
  download.ExpectStopped();
  EXPECT_GE(bad.requests().size(), 1u);
  // Two connects, and the same three announces, one of which may be repeated for a new connection id.
  EXPECT_LE(bad.requests().size(), 6u);
}

INSTANTIATE_TEST_SUITE_P(BadTrackers, UdpFaultTest, testing::ValuesIn(UdpFaults(/*hanging=*/false)),
                         [](const auto& info) { return info.param.name; });

// Each beside a download of its own, and all at once: none is held up, and none takes long to end (hazards 81 and 121).
TEST(TrackersThatHang, HoldUpNeitherADownloadNorItsEnd) {
  const std::vector<HttpFault> http = HttpFaults(/*hanging=*/true);
  const std::vector<UdpFault> udp = UdpFaults(/*hanging=*/true);
  ASSERT_GE(http.size() + udp.size(), 20u);
  const BlackHole hole;
  ASSERT_TRUE(hole.is_full());
  std::list<Plagued> downloads;
  std::list<BadServer> servers;
  std::list<FakeUdpTracker> udp_servers;
  std::vector<std::string> names;
  for (const HttpFault& fault : http) {
    names.push_back(fault.name);
    const Surroundings around = downloads.emplace_back().around();
    downloads.back().AddWhatHangs(servers.emplace_back(fault, around).url());
  }
  for (const UdpFault& fault : udp) {
    names.push_back(absl::StrCat("UDP: ", fault.name));
    const Surroundings around = downloads.emplace_back().around();
    downloads.back().AddWhatHangs(udp_servers.emplace_back(fault.script(around)).url());
  }
  names.push_back("takes no connection");
  downloads.emplace_back().AddWhatHangs(absl::StrCat("http://", hole.endpoint().ToString(), "/announce"));

  size_t i = 0;
  for (Plagued& download : downloads) {
    SCOPED_TRACE(names[i++]);
    download.ExpectDone();
    download.ExpectReport(Outcome::kHangs, "");
    EXPECT_EQ(download.trap().connections(), 0);
  }
  for (const BadServer& bad : servers) EXPECT_GE(bad.server().connections(), 1) << bad.url();
  for (const FakeUdpTracker& bad : udp_servers) EXPECT_GE(bad.requests().size(), 1u) << bad.url();
  for (Plagued& download : downloads) download.RequestStop();
  i = 0;
  for (Plagued& download : downloads) {
    SCOPED_TRACE(names[i++]);
    download.ExpectStopped();
  }
}

}  // namespace
}  // namespace torrent::test
