#include "swarm/peer_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/thread.h"

namespace torrent {
namespace {

using std::chrono::seconds;

wire::PeerId Id(char c) {
  wire::PeerId id;
  id.fill(static_cast<uint8_t>(c));
  return id;
}

class PeerRegistryTest : public ::testing::Test {
 protected:
  std::shared_ptr<PeerLink> Add(PeerRegistry* registry, bool incoming, const char* at = "8.8.8.8:1") {
    return *registry->Add(*Endpoint::Parse(at), PeerSource::kTracker, incoming);
  }
  // What its worker would do: takes its mail, and leaves when it is told to.
  static bool Stopped(PeerLink* link) { return link->mailbox.HasMail() && link->mailbox.Take().stop.has_value(); }

  PeerRegistry registry_{Id('m')};
};

TEST_F(PeerRegistryTest, KnowsItself) {
  EXPECT_EQ(registry_.Admit(Add(&registry_, false), Id('m')).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PeerRegistryTest, OneConnectionAPeerId) {
  for (const bool incoming : {false, true}) {
    PeerRegistry registry(Id('m'));
    auto first = Add(&registry, incoming), second = Add(&registry, incoming);
    EXPECT_EQ(registry.Admit(first, Id('x')), absl::OkStatus());
    EXPECT_EQ(registry.Admit(second, Id('x')).code(), absl::StatusCode::kAlreadyExists);
    EXPECT_FALSE(Stopped(first.get()));
    EXPECT_EQ(registry.Admit(second, Id('y')), absl::OkStatus());
    registry.Remove(*first);
    EXPECT_EQ(registry.Admit(Add(&registry, incoming), Id('x')), absl::OkStatus());
  }
}

TEST_F(PeerRegistryTest, BothSidesOfTwoSimultaneousConnectsKeepTheSameOne) {
  // hazard 50. Connection 0 was made by a, connection 1 by b; each side hears of the two in either order.
  for (const auto& [id_a, id_b] : {std::pair{Id('a'), Id('b')}, std::pair{Id('b'), Id('a')}}) {
    for (int order = 0; order < 4; order++) {
      PeerRegistry a(id_a), b(id_b);
      std::shared_ptr<PeerLink> at_a[2] = {Add(&a, false), Add(&a, true)};
      std::shared_ptr<PeerLink> at_b[2] = {Add(&b, true), Add(&b, false)};
      bool stays_a[2] = {false, false}, stays_b[2] = {false, false};
      auto admit = [](PeerRegistry* registry, std::shared_ptr<PeerLink>* links, const wire::PeerId& peer, int first,
                      bool* stays) {
        for (const int i : {first, 1 - first}) stays[i] = registry->Admit(links[i], peer).ok();
        for (int i = 0; i < 2; i++) stays[i] = stays[i] && !Stopped(links[i].get());
      };
      admit(&a, at_a, id_b, order & 1, stays_a);
      admit(&b, at_b, id_a, order >> 1, stays_b);
      EXPECT_EQ(stays_a[0] + stays_a[1], 1);
      EXPECT_EQ(stays_a[0], stays_b[0]);
      EXPECT_EQ(stays_a[1], stays_b[1]);
    }
  }
}

TEST_F(PeerRegistryTest, WhoWasReplacedDoesNotTakeTheOtherAlong) {
  auto old = Add(&registry_, true), stays = Add(&registry_, false);
  EXPECT_EQ(registry_.Admit(old, Id('a')), absl::OkStatus());
  EXPECT_EQ(registry_.Admit(stays, Id('a')), absl::OkStatus());  // ours is the greater id: what we made stays
  EXPECT_TRUE(Stopped(old.get()));
  registry_.Remove(*old);
  EXPECT_EQ(registry_.Admit(Add(&registry_, false), Id('a')).code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(PeerRegistryTest, CancelsReachTheirClaimant) {
  auto a = Add(&registry_, false), b = Add(&registry_, false);
  a->claimant = 7;
  b->claimant = 8;
  registry_.PostCancel(8, {1, 2});
  registry_.PostCancel(9, {1, 2});  // gone
  EXPECT_FALSE(a->mailbox.HasMail());
  EXPECT_THAT(b->mailbox.Take().cancels, ::testing::ElementsAre(BlockRef{1, 2}));
}

TEST_F(PeerRegistryTest, ALiarIsStoppedAtAllItsPortsWhereItsAddressIsGlobal) {
  auto liar = Add(&registry_, false, "8.8.8.8:1"), same = Add(&registry_, true, "8.8.8.8:2"),
       other = Add(&registry_, false, "9.9.9.9:1");
  registry_.StopLiar(*Endpoint::Parse("8.8.8.8:1"));
  EXPECT_TRUE(liar->mailbox.Take().proven_liar);
  EXPECT_TRUE(same->mailbox.Take().proven_liar);
  EXPECT_FALSE(other->mailbox.HasMail());
}

TEST_F(PeerRegistryTest, ALiarOnAPrivateAddressIsStoppedAlone) {
  auto liar = Add(&registry_, false, "10.0.0.1:1"), same = Add(&registry_, false, "10.0.0.1:2");
  registry_.StopLiar(*Endpoint::Parse("10.0.0.1:1"));
  EXPECT_TRUE(Stopped(liar.get()));
  EXPECT_FALSE(same->mailbox.HasMail());
}

TEST_F(PeerRegistryTest, AfterStopAllNobodyComesAndAllAreAskedToLeave) {
  auto a = Add(&registry_, false), b = Add(&registry_, true);
  registry_.StopAll(absl::CancelledError("stopping"));
  EXPECT_TRUE(Stopped(a.get()));
  EXPECT_TRUE(Stopped(b.get()));
  EXPECT_EQ(registry_.Add(*Endpoint::Parse("8.8.8.8:1"), PeerSource::kTracker, false).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_FALSE(registry_.WaitEmpty(Now()));
  registry_.Remove(*a);
  Thread leaver = *Thread::Start("leaver", [&] { registry_.Remove(*b); });
  EXPECT_TRUE(registry_.WaitEmpty(Now() + seconds(20)));
  EXPECT_EQ(registry_.size(), 0u);
}

TEST_F(PeerRegistryTest, WakesThoseThatAreChosen) {
  auto a = Add(&registry_, false), b = Add(&registry_, false);
  a->hungry = true;
  // What wakes a worker that shakes hands makes it stop.
  registry_.WakeIf([](const PeerLink& link) { return link.hungry.load(); });
  EXPECT_FALSE(a->mailbox.HasMail());
  a->established = b->established = true;
  registry_.WakeIf([](const PeerLink& link) { return link.hungry.load(); });
  EXPECT_TRUE(a->mailbox.HasMail());
  EXPECT_FALSE(b->mailbox.HasMail());
  EXPECT_EQ(registry_.Links().size(), 2u);
}

}  // namespace
}  // namespace torrent
