#include "dht/token.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/sha1.h"

namespace torrent {

namespace {
constexpr size_t kTokenBytes = 8;
}  // namespace

TokenMaker::TokenMaker(TimePoint now) : rotated_(now) {
  SecureRandomBytes(current_.data(), current_.size());
  SecureRandomBytes(previous_.data(), previous_.size());
}

void TokenMaker::Rotate(TimePoint now) {
  if (now - rotated_ < kDhtSecretLifetime) return;
  // After a long silence both are too old.
  if (now - rotated_ < 2 * kDhtSecretLifetime) {
    previous_ = current_;
  } else {
    SecureRandomBytes(previous_.data(), previous_.size());
  }
  SecureRandomBytes(current_.data(), current_.size());
  rotated_ = now;
}

std::string TokenMaker::With(const Secret& secret, const Address& address) {
  Sha1 hasher;
  hasher.Update(address.bytes());
  hasher.Update(secret);
  return std::string(hasher.Finish().Raw().substr(0, kTokenBytes));
}

std::string TokenMaker::Make(const Address& address, TimePoint now) {
  Rotate(now);
  return With(current_, address);
}

bool TokenMaker::IsGood(absl::string_view token, const Address& address, TimePoint now) {
  Rotate(now);
  return token == With(current_, address) || token == With(previous_, address);
}

}  // namespace torrent
