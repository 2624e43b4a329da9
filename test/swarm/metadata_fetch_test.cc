// What the fetch of a magnet link hands on, by where its peers came from. (Whole downloads:
// test/session/magnet_test.cc.)
#include "swarm/metadata_fetch.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/sha1.h"
#include "test/support/metadata_peer.h"
#include "test/support/scripted_seeder.h"

namespace torrent {
namespace {

// Finds the same peers in each search.
class ReadyDht final : public Dht {
 public:
  explicit ReadyDht(std::vector<Endpoint> peers) : peers_(std::move(peers)) {}
  std::unique_ptr<Search> GetPeers(SearchOptions options) override {
    options.on_peers(peers_);
    return std::make_unique<Search>();
  }
  void AddNode(const Endpoint&, const absl::optional<Address>&) override {}
  void AddNode(const std::string&, uint16_t) override {}
  DhtStatus Status() const override { return {}; }

 private:
  const std::vector<Endpoint> peers_;
};

class MetadataFetchTest : public testing::Test {
 protected:
  // Runs a fetch of `payload` (or `info`) by this link until it is done.
  absl::StatusOr<FetchedMetadata> Fetch(const Infohash& infohash, const std::string& parameters, Dht* dht,
                                        TorrentOptions options = {}) {
    SwarmResources resources;
    resources.shared.buffers = &buffers_;
    resources.shared.connections = &connections_;
    resources.shared.half_open = &half_open_;
    resources.shared.peer_id.fill('m');
    resources.announces = &announces_;
    resources.resolver = &resolver_;
    resources.shared.dht = dht;
    resources.listener = &events_;
    Mutex mutex;
    CondVar changed;
    absl::optional<absl::StatusOr<FetchedMetadata>> result;
    const Magnet magnet = *ParseMagnet(absl::StrCat("magnet:?xt=urn:btih:", infohash.Hex(), parameters));
    absl::StatusOr<std::unique_ptr<MetadataFetch>> fetch =
        MetadataFetch::Create(0, magnet, options, resources, [&](absl::StatusOr<FetchedMetadata> fetched) {
          MutexLock lock(&mutex);
          result = std::move(fetched);
          changed.SignalAll();
        });
    if (!fetch.ok() || !(*fetch)->Start().ok()) return absl::InternalError("not started");
    const TimePoint deadline = Now() + test::kPatience;
    {
      MutexLock lock(&mutex);
      while (!result && Now() < deadline) changed.WaitUntil(&mutex, deadline);
    }
    (*fetch)->Join();
    return *std::move(result);
  }

  BufferPool buffers_{8 << 20, 0};
  Budget connections_{20}, half_open_{20}, announces_{8};
  Resolver resolver_;
  test::Recorder events_;
  const test::Payload payload_{"a.bin", 100'000, 16 * 1024};
};

TEST_F(MetadataFetchTest, HandsOnConnectionsAddressesAndSources) {
  test::ScriptedSeeder peer(&payload_, test::Serving({}));
  ReadyDht dht({peer.endpoint(), *Endpoint::Parse("127.0.0.1:9")});
  absl::StatusOr<FetchedMetadata> fetched = Fetch(payload_.metainfo()->infohash, "&ws=http://example.org/", &dht);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->metainfo->info_bytes, payload_.metainfo()->info_bytes);
  EXPECT_EQ(fetched->metainfo->web_seeds.size(), 1u);
  ASSERT_EQ(fetched->handover.connections.size(), 1u);
  const LiveConnection& live = fetched->handover.connections[0];
  EXPECT_EQ(live.stream->remote(), peer.endpoint());
  EXPECT_EQ(live.source, PeerSource::kDht);
  EXPECT_TRUE(live.theirs.fast);
  EXPECT_TRUE(live.slot);
  EXPECT_TRUE(live.stream->HasBuffered()) << "what it said is to be read once more";
  EXPECT_EQ(fetched->handover.known.size(), 2u);
  EXPECT_NE(fetched->handover.finder, nullptr);
  EXPECT_EQ(connections_.taken(), 1);
  EXPECT_EQ(half_open_.taken(), 0);
}

// BEP 27: what is private goes on with its trackers and the user's peers alone.
TEST_F(MetadataFetchTest, APrivateTorrentForgetsPeersOfTheDht) {
  std::string info = payload_.metainfo()->info_bytes;
  info.insert(info.size() - 1, "7:privatei1e");
  test::MetadataManner manner;
  manner.info = info;
  test::ScriptedSeeder of_dht(&payload_, test::Serving(manner));
  manner.name = "of the user";
  test::ScriptedSeeder of_user(&payload_, test::Serving(manner));
  ReadyDht dht({of_dht.endpoint(), *Endpoint::Parse("127.0.0.1:9")});
  absl::StatusOr<FetchedMetadata> fetched =
      Fetch(Sha1::Of(info), absl::StrCat("&x.pe=", of_user.address(), "&dht=a:1"), &dht);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_TRUE(fetched->metainfo->is_private);
  EXPECT_TRUE(fetched->metainfo->nodes.empty());
  for (const LiveConnection& live : fetched->handover.connections) EXPECT_EQ(live.source, PeerSource::kUser);
  ASSERT_EQ(fetched->handover.known.size(), 1u);
  EXPECT_EQ(fetched->handover.known[0].endpoint, of_user.endpoint());
  ASSERT_NE(fetched->handover.finder, nullptr);
  EXPECT_TRUE(fetched->handover.finder->Step(Now()).peers.empty());
}

TEST_F(MetadataFetchTest, LiarsAreHandedOnByName) {
  test::MetadataManner lies;
  lies.kind = test::MetadataManner::Kind::kWrongBytes;
  test::ScriptedSeeder liar(&payload_, test::Serving(lies));
  test::MetadataManner says_no_size;
  says_no_size.kind = test::MetadataManner::Kind::kSaysNoSize;
  says_no_size.name = "honest";
  test::ScriptedSeeder honest(&payload_, test::Serving(says_no_size));
  // The liar first: it is alone and convicts itself; or the honest one is quicker, and nobody lied.
  absl::StatusOr<FetchedMetadata> fetched =
      Fetch(payload_.metainfo()->infohash, absl::StrCat("&x.pe=", liar.address(), "&x.pe=", honest.address()), nullptr);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->handover.banned.size(), events_.WasBanned(liar.address()) ? 1u : 0u);
  for (const Endpoint& banned : fetched->handover.banned) EXPECT_EQ(banned, liar.endpoint());
  for (const PeerBook::Pick& pick : fetched->handover.known) {
    EXPECT_TRUE(pick.endpoint != liar.endpoint() || fetched->handover.banned.empty());
  }
}

TEST_F(MetadataFetchTest, ForTheMetadataAloneNothingIsLeftOpen) {
  test::ScriptedSeeder peer(&payload_, test::Serving({}));
  TorrentOptions options;
  options.metadata_only = true;
  options.peers = {peer.address()};
  absl::StatusOr<FetchedMetadata> fetched = Fetch(payload_.metainfo()->infohash, "", nullptr, options);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_TRUE(fetched->handover.connections.empty());
  EXPECT_EQ(fetched->handover.finder, nullptr);
  EXPECT_EQ(connections_.taken(), 0);
  EXPECT_TRUE(peer.WaitHungUpOn(1));
}

}  // namespace
}  // namespace torrent
