#include "wire/pex_message.h"

#include <algorithm>

#include "base/limits.h"
#include "base/status.h"
#include "torrent/bencode.h"

namespace torrent::wire {
namespace {

constexpr size_t kV4Bytes = 6;
constexpr size_t kV6Bytes = 18;

absl::string_view StringAt(const bencode::Value& dictionary, absl::string_view key) {
  const bencode::Value* value = dictionary.FindString(key);
  return value == nullptr ? absl::string_view() : value->string();
}

void Append(absl::string_view list, absl::string_view flags, size_t entry_bytes, std::vector<PexPeer>* peers) {
  if (list.size() % entry_bytes != 0) return;
  const size_t count = std::min(list.size() / entry_bytes, kMaxPexPeers - peers->size());
  for (size_t i = 0; i < count; ++i) {
    const absl::string_view entry = list.substr(i * entry_bytes, entry_bytes);
    PexPeer& peer = peers->emplace_back();
    peer.compact.assign(entry.begin(), entry.end());
    if (i < flags.size()) peer.flags = static_cast<uint8_t>(flags[i]);
  }
}

// The first kMaxPexPeers of `peers`, as the four strings that they become.
struct Lists {
  std::string v4, v4_flags, v6, v6_flags;

  explicit Lists(const std::vector<PexPeer>& peers) {
    for (size_t i = 0; i < std::min(peers.size(), kMaxPexPeers); ++i) {
      const bool is_v4 = peers[i].compact.size() == kV4Bytes;
      (is_v4 ? v4 : v6).append(peers[i].compact.begin(), peers[i].compact.end());
      (is_v4 ? v4_flags : v6_flags).push_back(static_cast<char>(peers[i].flags));
    }
  }
};

}  // namespace

absl::StatusOr<PexMessage> ParsePex(absl::string_view payload) {
  size_t trailing_bytes = 0;
  bencode::DecodeOptions options;
  options.max_depth = kMaxPexDepth;
  options.max_items = kMaxPexItems;
  options.trailing_bytes = &trailing_bytes;
  absl::StatusOr<bencode::Value> decoded = bencode::Decode(payload, options);
  if (!decoded.ok()) return Annotate(decoded.status(), "peer exchange");
  if (!decoded->is_dictionary()) return absl::InvalidArgumentError("peer exchange: not a dictionary");
  PexMessage message;
  Append(StringAt(*decoded, "added"), StringAt(*decoded, "added.f"), kV4Bytes, &message.added);
  Append(StringAt(*decoded, "added6"), StringAt(*decoded, "added6.f"), kV6Bytes, &message.added);
  Append(StringAt(*decoded, "dropped"), "", kV4Bytes, &message.dropped);
  Append(StringAt(*decoded, "dropped6"), "", kV6Bytes, &message.dropped);
  return message;
}

std::string EncodePex(const PexMessage& message) {
  const Lists added(message.added), dropped(message.dropped);
  bencode::Encoder encoder;
  encoder.BeginDictionary();
  if (!added.v4.empty()) encoder.Key("added").String(added.v4).Key("added.f").String(added.v4_flags);
  if (!added.v6.empty()) encoder.Key("added6").String(added.v6).Key("added6.f").String(added.v6_flags);
  if (!dropped.v4.empty()) encoder.Key("dropped").String(dropped.v4);
  if (!dropped.v6.empty()) encoder.Key("dropped6").String(dropped.v6);
  encoder.End();
  return encoder.Take();
}

}  // namespace torrent::wire
