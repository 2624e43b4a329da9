#include "swarm/pex_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "wire/pex_message.h"

namespace torrent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PexExchangeTest : public ::testing::Test {
 protected:
  static Endpoint EndpointOf(const std::string& text) { return *Endpoint::Parse(text); }
  static std::string MessageOf(const std::vector<std::string>& added) {
    wire::PexMessage message;
    for (const std::string& text : added) {
      std::string compact;
      EndpointOf(text).AppendCompact(&compact);
      message.added.emplace_back().compact.assign(compact.begin(), compact.end());
    }
    return wire::EncodePex(message);
  }
  // The addresses that are added by the message that is due now.
  std::vector<std::string> Said() {
    const std::string bytes = exchange_.NextMessage(now_);
    std::vector<std::string> said;
    if (bytes.empty()) return said;
    const absl::StatusOr<wire::PexMessage> message = wire::ParsePex(bytes);
    for (const wire::PexPeer& peer : message->added) {
      said.push_back(Endpoint::FromCompact(peer.compact)->ToString());
    }
    return said;
  }
  std::vector<std::string> Heard(const std::vector<std::string>& told) {
    absl::StatusOr<std::vector<Endpoint>> heard = exchange_.Hear(MessageOf(told), now_);
    EXPECT_TRUE(heard.ok()) << heard.status();
    std::vector<std::string> texts;
    for (const Endpoint& endpoint : heard.ok() ? *heard : std::vector<Endpoint>()) texts.push_back(endpoint.ToString());
    return texts;
  }

  PexRoster roster_;
  PexExchange exchange_{&roster_, 1000, *Address::Parse("9.9.9.9")};
  TimePoint now_ = Now();
};

TEST_F(PexExchangeTest, SaysNothingToWhoDoesNotHear) {
  roster_.Set(1, EndpointOf("1.0.0.1:2000"), 0);
  EXPECT_EQ(exchange_.NextLook(), TimePoint::max());
  now_ += seconds(100);
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(PexExchangeTest, TheFirstMessageComesWithinSecondsAndThenOneAMinute) {
  exchange_.SetHeard(true, now_);
  roster_.Set(1, EndpointOf("1.0.0.1:2000"), 0);
  EXPECT_THAT(Said(), IsEmpty()) << "others may be connecting just now";
  EXPECT_LE(exchange_.NextLook(), now_ + seconds(5));
  now_ = exchange_.NextLook();
  EXPECT_THAT(Said(), ElementsAre("1.0.0.1:2000"));

  roster_.Set(2, EndpointOf("1.0.0.2:2000"), 0);
  EXPECT_EQ(exchange_.NextLook(), now_ + seconds(60));
  now_ += seconds(60) - milliseconds(1);
  EXPECT_THAT(Said(), IsEmpty());
  now_ += milliseconds(1);
  EXPECT_THAT(Said(), ElementsAre("1.0.0.2:2000"));
}

TEST_F(PexExchangeTest, AnEmptyMessageIsNotSentAndCostsNoMinute) {
  exchange_.SetHeard(true, now_);
  for (int i = 0; i < 10; i++) {
    now_ = exchange_.NextLook();
    EXPECT_EQ(exchange_.NextMessage(now_), "");
  }
  roster_.Set(1, EndpointOf("1.0.0.1:2000"), 0);
  EXPECT_LE(exchange_.NextLook(), now_ + seconds(10));
  now_ = exchange_.NextLook();
  EXPECT_THAT(Said(), ElementsAre("1.0.0.1:2000"));
}

TEST_F(PexExchangeTest, TurningItOffAndOnGivesNoMessageMore) {
  exchange_.SetHeard(true, now_);
  roster_.Set(1, EndpointOf("1.0.0.1:2000"), 0);
  now_ += seconds(5);
  EXPECT_THAT(Said(), ElementsAre("1.0.0.1:2000"));
  roster_.Set(2, EndpointOf("1.0.0.2:2000"), 0);
  exchange_.SetHeard(false, now_);
  exchange_.SetHeard(true, now_);
  now_ += seconds(59);
  EXPECT_THAT(Said(), IsEmpty());
  now_ += seconds(1);
  EXPECT_THAT(Said(), ElementsAre("1.0.0.2:2000"));
}

TEST_F(PexExchangeTest, FollowsOnlyWhereThePeerMightStand) {
  EXPECT_THAT(Heard({"1.0.0.1:2000", "10.0.0.1:2000", "127.0.0.1:2000", "1.0.0.2:80", "224.0.0.1:2000", "1.0.0.3:0",
                     "[2001:db9::1]:2000", "[::1]:2000"}),
              ElementsAre("1.0.0.1:2000", "[2001:db9::1]:2000"));
}

// BEP 11: "Duplicate IP addresses (e.g. with different ports) should be ignored."
TEST_F(PexExchangeTest, OneMessageNamesAMachineOnce) {
  EXPECT_THAT(Heard({"1.0.0.1:2000", "1.0.0.1:2001", "1.0.0.2:2000"}), ElementsAre("1.0.0.1:2000", "1.0.0.2:2000"));
  // Where addresses are not global, machines are told apart by ports.
  PexExchange neighbour(&roster_, 1000, *Address::Parse("10.0.0.9"));
  EXPECT_EQ(neighbour.Hear(MessageOf({"10.0.0.1:2000", "10.0.0.1:2001"}), now_)->size(), 2u);
}

TEST_F(PexExchangeTest, OneAMinuteIsHeardForEver) {
  for (int i = 0; i < 1000; i++) {
    // Some come a little early: the network held back the one before.
    now_ += i % 2 == 0 ? seconds(51) : seconds(69);
    ASSERT_THAT(Heard({"1.0.0.1:2000"}), ElementsAre("1.0.0.1:2000")) << i;
  }
}

TEST_F(PexExchangeTest, SeveralInTheFirstMinuteAreHeard) {
  for (int i = 0; i < kPexBurst; i++) ASSERT_THAT(Heard({"1.0.0.1:2000"}), ElementsAre("1.0.0.1:2000")) << i;
  EXPECT_THAT(Heard({"1.0.0.1:2000"}), IsEmpty());
  now_ += seconds(60);
  EXPECT_THAT(Heard({"1.0.0.1:2000"}), ElementsAre("1.0.0.1:2000"));
  EXPECT_THAT(Heard({"1.0.0.1:2000"}), IsEmpty());
}

// Hazard 57.
TEST_F(PexExchangeTest, AFloodIsNotHeardAndEndsTheConnection) {
  int heard = 0, messages = 0;
  absl::StatusOr<std::vector<Endpoint>> result = std::vector<Endpoint>();
  while (result.ok() && messages < 1000) {
    result = exchange_.Hear(MessageOf({"1.0.0.1:2000"}), now_);
    messages++;
    if (result.ok() && !result->empty()) heard++;
    now_ += milliseconds(10);
  }
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(heard, kPexBurst);
  EXPECT_EQ(messages, kPexBurst + kMaxIgnoredPex + 1);
}

TEST_F(PexExchangeTest, WhatIsMalformedIsAnError) {
  EXPECT_EQ(exchange_.Hear("le", now_).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace torrent
