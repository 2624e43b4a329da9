// Magnet links from the link to the files: the metadata comes from peers (BEP 9), whoever lies or is silent, and the
// download goes on over the same connections.
#include "torrent/magnet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/sha1.h"
#include "swarm/our_handshakes.h"
#include "test/session/fixture.h"
#include "test/support/fake_trackers.h"
#include "test/support/metadata_peer.h"
#include "test/support/scripted_seeder.h"
#include "wire/extension.h"
#include "wire/metadata_message.h"
#include "wire/pex_message.h"

namespace torrent::test {
namespace {

using Kind = MetadataManner::Kind;

// Its metadata has three pieces.
const Payload& Torrent() {
  static const Payload* const payload =
      new Payload("album", {{"a.bin", 1'500'000}, {"b/c.bin", 400'000}, {"d.txt", 100'000}}, kKiB);
  return *payload;
}

Magnet LinkTo(const Payload& payload, const std::string& more = "") {
  absl::StatusOr<Magnet> magnet =
      ParseMagnet(absl::StrCat("magnet:?xt=urn:btih:", payload.metainfo()->infohash.Hex(), more));
  EXPECT_OK(magnet.status());
  return *magnet;
}

std::string LinkPeers(const std::vector<std::unique_ptr<ScriptedSeeder>>& peers) {
  std::string text;
  for (const auto& peer : peers) absl::StrAppend(&text, "&x.pe=", peer->address());
  return text;
}

class MagnetSessionTest : public testing::Test {
 protected:
  TorrentId Add(TestSession* session, const Magnet& magnet, TorrentOptions options = {}) {
    if (options.output_dir == ".") options.output_dir = folders_.output.path();
    absl::StatusOr<TorrentId> id = (*session)->Add(magnet, options);
    EXPECT_OK(id.status());
    return id.value_or(0);
  }
  std::string KeptPath(const Payload& payload) const {
    return folders_.state / (payload.metainfo()->infohash.Hex() + ".torrent");
  }

  Folders folders_;
};

TEST_F(MagnetSessionTest, DownloadsWithATrackerAndOneSeederOfOurOwn) {
  Folders seeding;
  SeedingSession seeder(&seeding, Torrent());
  FakeTracker tracker({seeder.endpoint()});
  TestSession session(&folders_);
  const TorrentId id = Add(&session, LinkTo(Torrent(), "&tr=" + tracker.url()));
  ASSERT_TRUE(session.WaitDone());
  ASSERT_TRUE(session->WaitStopped(id, kPatience));
  EXPECT_EQ(Torrent().Differences(folders_.output.path()), "");
  const auto size = static_cast<uint32_t>(Torrent().metainfo()->info_bytes.size());
  EXPECT_EQ(session.events().All<MetadataProgressEvent>().back().done_bytes, size);
  EXPECT_EQ(session.events().All<MetadataProgressEvent>().back().total_bytes, size);
  EXPECT_EQ(session->MetainfoOf(id)->infohash, Torrent().metainfo()->infohash);
  EXPECT_EQ(session->MetainfoOf(id)->trackers.size(), 1u);
  // One swarm to everybody: one connection, one announce of each kind.
  EXPECT_EQ(session.events().All<PeerConnectedEvent>().size(), 1u);
  EXPECT_EQ(session.events().All<PeerGoneEvent>().size(), 1u);
  for (const char* event : {"event=started", "event=completed", "event=stopped"}) {
    int times = 0;
    for (const std::string& request : tracker.requests()) times += absl::StrContains(request, event);
    EXPECT_EQ(times, 1) << event;
  }
  EXPECT_FALSE(absl::StrContains(tracker.requests().front(), "left=0&")) << "we are no seeder";
}

TEST_F(MagnetSessionTest, PayloadFlowsOverTheConnectionThatGaveTheMetadata) {
  for (const bool fast : {true, false}) {
    SCOPED_TRACE(fast);
    Folders folders;
    MetadataManner manner;
    manner.fast = fast;
    ScriptedSeeder peer(&Torrent(), Serving(manner));
    TestSession session(&folders);
    TorrentOptions options;
    options.output_dir = folders.output.path();
    Add(&session, LinkTo(Torrent(), "&x.pe=" + peer.address()), options);
    ASSERT_TRUE(session.WaitDone());
    EXPECT_EQ(Torrent().Differences(folders.output.path()), "");
    EXPECT_GT(session.events().Count(PieceEvent::What::kWritten), 0u);
    EXPECT_EQ(peer.connections(), 1);
  }
}

TEST_F(MagnetSessionTest, SeveralPeersGiveItTogether) {
  std::vector<std::unique_ptr<ScriptedSeeder>> peers;
  for (const char* name : {"one", "two", "three"}) {
    MetadataManner manner;
    manner.name = name;
    peers.push_back(std::make_unique<ScriptedSeeder>(&Torrent(), Serving(manner)));
  }
  TestSession session(&folders_);
  Add(&session, LinkTo(Torrent(), LinkPeers(peers)));
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(Torrent().Differences(folders_.output.path()), "");
}

TEST_F(MagnetSessionTest, APeerThatCameInIsGoneOnWithToo) {
  TestSession session(&folders_);
  Add(&session, LinkTo(Torrent()));
  std::unique_ptr<PeerConnection> peer = session.Dial();
  ASSERT_NE(peer, nullptr);
  Thread thread = *Thread::Start("dialled peer", [&] { RunMetadataPeer(peer.get(), Torrent(), {}); });
  EXPECT_TRUE(session.WaitDone());
  EXPECT_EQ(Torrent().Differences(folders_.output.path()), "");
  EXPECT_EQ(session.events().All<PeerConnectedEvent>().size(), 1u);
  session.End();
}

TEST_F(MagnetSessionTest, APeerWithoutMetadataNamesOneThatHasIt) {
  MetadataManner manner;
  ScriptedSeeder seeder(&Torrent(), Serving(manner));
  TestSession session(&folders_);
  Add(&session, LinkTo(Torrent()));
  std::unique_ptr<PeerConnection> peer = session.Dial("127.0.0.2");
  ASSERT_NE(peer, nullptr);
  wire::Handshake theirs;
  ASSERT_TRUE(
      peer->ShakeHands(HandshakeOf(Torrent().metainfo()->infohash, "gossip", false, /*extended=*/true), &theirs));
  wire::ExtensionHandshake facts;
  facts.ids[static_cast<size_t>(wire::Extension::kMetadata)] = 3;
  std::string bytes;
  wire::EncodeExtended(wire::kExtensionHandshakeId, wire::EncodeExtensionHandshake(facts), &bytes);
  wire::PexMessage message;
  std::string compact;
  seeder.endpoint().AppendCompact(&compact);
  message.added.emplace_back().compact.assign(compact.begin(), compact.end());
  wire::EncodeExtended(kOurPexId, wire::EncodePex(message), &bytes);
  peer->Send(bytes);
  ASSERT_TRUE(session.WaitDone());
  EXPECT_EQ(Torrent().Differences(folders_.output.path()), "");
  const absl::optional<PeerConnectedEvent> connected = session.events().Wait<PeerConnectedEvent>(
      [&](const PeerConnectedEvent& event) { return event.endpoint == seeder.address(); });
  ASSERT_TRUE(connected);
  EXPECT_EQ(connected->source, PeerSource::kPex);
}

// Hazard 55: nine liars and one honest peer.
TEST_F(MagnetSessionTest, NineLiarsDoNotKeepOneHonestPeerFromBeingHeard) {
  std::vector<std::unique_ptr<ScriptedSeeder>> peers;
  const auto size = static_cast<uint32_t>(Torrent().metainfo()->info_bytes.size());
  for (uint32_t i = 0; i < 9; i++) {
    MetadataManner manner;
    manner.name = absl::StrCat("liar ", i);
    if (i < 4) manner.kind = Kind::kWrongBytes;
    if (i == 4) manner.kind = Kind::kSilent;
    if (i == 5) manner.kind = Kind::kRejects;
    if (i == 6) manner.claims = size + 1;
    if (i == 7) manner.claims = 10;
    if (i == 8) manner.claims = 5u << 20;
    peers.push_back(std::make_unique<ScriptedSeeder>(&Torrent(), Serving(manner)));
  }
  MetadataManner honest;
  honest.name = "honest";
  peers.push_back(std::make_unique<ScriptedSeeder>(&Torrent(), Serving(honest)));
  TestSession session(&folders_);
  TorrentOptions options;
  options.metadata_only = true;
  const TimePoint begin = Now();
  const TorrentId id = Add(&session, LinkTo(Torrent(), LinkPeers(peers)), options);
  ASSERT_TRUE(session->WaitStopped(id, std::chrono::seconds(60)));
  EXPECT_LT(ToSeconds(Now() - begin), 60);
  ASSERT_NE(session->MetainfoOf(id), nullptr);
  EXPECT_EQ(session->MetainfoOf(id)->info_bytes, Torrent().metainfo()->info_bytes);
  EXPECT_FALSE(session.events().WasBanned(peers.back()->address()));
  // The size that nobody else claims has convicted its liar before, or it was not needed any more.
  int banned = 0;
  for (const auto& peer : peers) banned += session.events().WasBanned(peer->address());
  EXPECT_LE(banned, 7);
}

TEST_F(MagnetSessionTest, ALiarIsBannedAndAnHonestPeerThatComesLaterIsBelieved) {
  MetadataManner lies;
  lies.kind = Kind::kWrongBytes;
  ScriptedSeeder liar(&Torrent(), Serving(lies));
  TestSession session(&folders_);
  Add(&session, LinkTo(Torrent(), "&x.pe=" + liar.address()));
  ASSERT_TRUE(session.events().WaitGone(liar.address()));
  EXPECT_TRUE(session.events().WasBanned(liar.address()));
  std::unique_ptr<PeerConnection> peer = session.Dial();
  MetadataManner honest;
  honest.name = "honest";
  Thread thread = *Thread::Start("dialled peer", [&] { RunMetadataPeer(peer.get(), Torrent(), honest); });
  EXPECT_TRUE(session.WaitDone());
  EXPECT_EQ(liar.connections(), 1) << "it stays banned";
  session.End();
}

TEST_F(MagnetSessionTest, APeerThatNeverAnswersDelaysTheStopByNothing) {
  MetadataManner manner;
  manner.kind = Kind::kSilent;
  ScriptedSeeder peer(&Torrent(), Serving(manner));
  FakeTracker tracker({peer.endpoint()}, /*silent=*/true);
  TestSession session(&folders_);
  const TorrentId id = Add(&session, LinkTo(Torrent(), absl::StrCat("&x.pe=", peer.address(), "&tr=", tracker.url())));
  ASSERT_TRUE(peer.WaitDelivered());
  EXPECT_EQ(session->Status(id).state, TorrentState::kMetadata);
  EXPECT_EQ(session->MetainfoOf(id), nullptr);
  const TimePoint begin = Now();
  session->RequestStop();
  EXPECT_TRUE(session->WaitStopped(id, std::chrono::seconds(5)));
  EXPECT_LT(ToSeconds(Now() - begin), 5);
  EXPECT_EQ(session->Status(id).state, TorrentState::kStopped);
  EXPECT_EQ(session->Status(id).failure, Failure::kNone);
  EXPECT_FALSE(session->Status(id).complete);
  EXPECT_TRUE(peer.WaitHungUpOn(1));
}

TEST_F(MagnetSessionTest, MetadataOnlyTouchesNoFileAndASecondRunNeedsNoPeer) {
  {
    ScriptedSeeder peer(&Torrent(), Serving({}));
    TestSession session(&folders_);
    TorrentOptions options;
    options.metadata_only = true;
    const TorrentId id =
        Add(&session, LinkTo(Torrent(), absl::StrCat("&x.pe=", peer.address(), "&tr=http://127.0.0.1:1/announce")),
            options);
    ASSERT_TRUE(session->WaitStopped(id, kPatience));
    ASSERT_NE(session->MetainfoOf(id), nullptr);
    EXPECT_EQ(session->MetainfoOf(id)->files.size(), 3u);
    EXPECT_TRUE(FilesBelow(folders_.output.path()).empty());
    EXPECT_TRUE(peer.WaitHungUpOn(1));
  }
  ASSERT_TRUE(Exists(KeptPath(Torrent())));
  {
    TestSession session(&folders_);
    TorrentOptions options;
    options.metadata_only = true;
    const TorrentId id = Add(&session, LinkTo(Torrent()), options);
    EXPECT_TRUE(session->WaitStopped(id, std::chrono::milliseconds(0)));
    EXPECT_EQ(session->MetainfoOf(id)->trackers.size(), 1u) << "those of the first link";
  }
  {
    // And a download begins at once; whoever is there need not give metadata.
    ScriptedSeeder seeder(&Torrent(), {});
    seeder.Open();
    TestSession session(&folders_);
    Add(&session, LinkTo(Torrent(), "&x.pe=" + seeder.address()));
    ASSERT_TRUE(session.WaitDone());
    EXPECT_TRUE(session.events().All<MetadataProgressEvent>().empty());
  }
}

TEST_F(MagnetSessionTest, WhatIsKeptIsBelievedOnlyIfItIsThatTorrent) {
  const Payload other("other.bin", 50'000, 16 * kKiB);
  for (const std::string& damaged : {std::string("d4:infode"), std::string(), EncodeMetainfo(*other.metainfo())}) {
    WriteFile(KeptPath(Torrent()), damaged);
    ScriptedSeeder peer(&Torrent(), Serving({}));
    TestSession session(&folders_);
    TorrentOptions options;
    options.metadata_only = true;
    const TorrentId id = Add(&session, LinkTo(Torrent(), "&x.pe=" + peer.address()), options);
    ASSERT_TRUE(session->WaitStopped(id, kPatience));
    ASSERT_NE(session->MetainfoOf(id), nullptr);
    EXPECT_EQ(session->MetainfoOf(id)->infohash, Torrent().metainfo()->infohash);
    EXPECT_EQ(peer.connections(), 1);
    EXPECT_EQ(LoadMetainfo(KeptPath(Torrent()))->infohash, Torrent().metainfo()->infohash) << "replaced";
  }
}

TEST_F(MagnetSessionTest, TheLinkOrTheCallerSelectsFiles) {
  ScriptedSeeder peer(&Torrent(), Serving({}));
  const Magnet link = LinkTo(Torrent(), absl::StrCat("&so=2&x.pe=", peer.address()));
  {
    TestSession session(&folders_);
    Add(&session, link);
    ASSERT_TRUE(session.WaitDone());
    EXPECT_EQ(Torrent().Differences(folders_.output.path(), {false, false, true}), "");
  }
  {
    TempFolder output;
    TestSession session(&folders_);
    TorrentOptions options;
    options.output_dir = output.path();
    options.select = [](const Metainfo& metainfo) -> absl::StatusOr<std::vector<bool>> {
      EXPECT_EQ(metainfo.files.size(), 3u);
      return std::vector<bool>{false, true, false};
    };
    Add(&session, link, options);
    ASSERT_TRUE(session.WaitDone());
    EXPECT_EQ(Torrent().Differences(output.path(), {false, true, false}), "");
  }
  {
    TestSession session(&folders_);
    TorrentOptions options;
    options.select = [](const Metainfo&) -> absl::StatusOr<std::vector<bool>> {
      return absl::InvalidArgumentError("no file has such a path");
    };
    const TorrentId id = Add(&session, link, options);
    ASSERT_TRUE(session->WaitStopped(id, kPatience));
    EXPECT_EQ(session->Status(id).failure, Failure::kOther);
    EXPECT_EQ(session->Status(id).error.message(), "no file has such a path");
    EXPECT_TRUE(session.events().Wait<ErrorEvent>().has_value());
  }
}

TEST_F(MagnetSessionTest, MetadataThatIsNoTorrentEndsItWithTheReason) {
  const std::string info = "d4:name5:a.bin6:pieces3:abce";
  MetadataManner manner;
  manner.info = info;
  ScriptedSeeder peer(&Torrent(), Serving(manner));
  TestSession session(&folders_);
  const TorrentId id =
      Add(&session, *ParseMagnet(absl::StrCat("magnet:?xt=urn:btih:", Sha1::Of(info).Hex(), "&x.pe=", peer.address())));
  ASSERT_TRUE(session->WaitStopped(id, kPatience));
  EXPECT_EQ(session->Status(id).failure, Failure::kOther);
  EXPECT_TRUE(absl::StartsWith(session->Status(id).error.message(), "metadata of " + Sha1::Of(info).Hex()))
      << session->Status(id).error;
}

// Who is asked too early says so, and says when it has it (BEP 10: a later extension handshake).
TEST_F(MagnetSessionTest, OfTwoThatBothFetchOneGetsItFromTheOther) {
  Folders others;
  TestSession first(&folders_), second(&others);
  TorrentOptions seeding;
  seeding.seed = true;
  Add(&first, LinkTo(Torrent()), seeding);
  TorrentOptions options;
  options.output_dir = others.output.path();
  Add(&second, LinkTo(Torrent(), "&x.pe=" + first.address()), options);
  ASSERT_TRUE(first.events().Wait<PeerConnectedEvent>().has_value());
  std::unique_ptr<PeerConnection> peer = first.Dial();
  ASSERT_NE(peer, nullptr);
  Thread thread = *Thread::Start("dialled peer", [&] { RunMetadataPeer(peer.get(), Torrent(), {}); });
  EXPECT_TRUE(first.WaitDone());
  EXPECT_TRUE(second.WaitDone());
  EXPECT_EQ(Torrent().Differences(others.output.path()), "");
  EXPECT_EQ(second.events().All<PeerConnectedEvent>().size(), 1u);
  second.End();
  first.End();
}

// --- Giving metadata -------------------------------------------------------------------------------------------------

TEST(MetadataServingTest, ASeederGivesItAndRejectsWhatIsNotThere) {
  Folders folders;
  SeedingSession session(&folders, Torrent());
  std::unique_ptr<PeerConnection> peer = session.Dial();
  wire::Handshake theirs;
  ASSERT_TRUE(peer->ShakeHands(HandshakeOf(Torrent().metainfo()->infohash, "asks", true, true), &theirs));
  wire::ExtensionHandshake ours;
  ours.ids[static_cast<size_t>(wire::Extension::kMetadata)] = 9;
  peer->Send(Bytes(wire::EncodeHaveNone) +
             Bytes(wire::EncodeExtended, uint8_t{0}, wire::EncodeExtensionHandshake(ours)));
  absl::optional<Received> said = peer->Expect(wire::MessageId::kExtended);
  ASSERT_TRUE(said);
  absl::StatusOr<wire::ExtensionHandshake> handshake = wire::ParseExtensionHandshake(said->payload);
  ASSERT_OK(handshake.status());
  const std::string& info = Torrent().metainfo()->info_bytes;
  EXPECT_EQ(handshake->metadata_size, info.size());
  const uint8_t id = handshake->ids[static_cast<size_t>(wire::Extension::kMetadata)].value_or(0);
  ASSERT_NE(id, 0);
  for (uint32_t piece : {0u, 1u, 2u, 3u}) {
    ASSERT_TRUE(peer->Send(Bytes(wire::EncodeExtended, id, wire::EncodeMetadataRequest(piece))));
  }
  // A reject may overtake pieces that wait.
  std::string got;
  bool rejected = false;
  for (int i = 0; i < 4; i++) {
    said = peer->Expect(wire::MessageId::kExtended);
    ASSERT_TRUE(said);
    EXPECT_EQ(said->head.extended_id, 9);
    absl::StatusOr<wire::MetadataMessage> message = wire::ParseMetadataMessage(said->payload);
    ASSERT_OK(message.status());
    if (message->type == wire::MetadataMessage::Type::kReject) {
      EXPECT_EQ(message->piece, 3u);
      rejected = true;
    } else {
      got += std::string(message->bytes);
    }
  }
  EXPECT_TRUE(rejected);
  EXPECT_EQ(got, info);
}

}  // namespace
}  // namespace torrent::test
