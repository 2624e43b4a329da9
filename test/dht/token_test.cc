#include "dht/token.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class TokenTest : public ::testing::Test {
 protected:
  TimePoint now_ = TimePoint() + std::chrono::hours(1000);
  TokenMaker maker_{now_};
  const Address here_ = *Address::Parse("1.2.3.4");
  const Address there_ = *Address::Parse("1.2.3.5");
};

TEST_F(TokenTest, IsGoodForItsAddressAlone) {
  const std::string token = maker_.Make(here_, now_);
  EXPECT_TRUE(maker_.IsGood(token, here_, now_));
  EXPECT_FALSE(maker_.IsGood(token, there_, now_));
  EXPECT_FALSE(maker_.IsGood("", here_, now_));
  EXPECT_FALSE(maker_.IsGood(token + "x", here_, now_));
  EXPECT_FALSE(maker_.IsGood(token.substr(1), here_, now_));
  TokenMaker other(now_);
  EXPECT_FALSE(other.IsGood(token, here_, now_)) << "secrets are one's own";
}

TEST_F(TokenTest, LastsForTwoSecrets) {
  now_ += seconds(299);
  const std::string token = maker_.Make(here_, now_);
  now_ += minutes(5);
  EXPECT_TRUE(maker_.IsGood(token, here_, now_));
  EXPECT_NE(maker_.Make(here_, now_), token);
  now_ += minutes(5);
  EXPECT_FALSE(maker_.IsGood(token, here_, now_));
}

TEST_F(TokenTest, DoesNotOutlastSilence) {
  const std::string token = maker_.Make(here_, now_);
  now_ += minutes(11);
  EXPECT_FALSE(maker_.IsGood(token, here_, now_));
}

}  // namespace
}  // namespace torrent
