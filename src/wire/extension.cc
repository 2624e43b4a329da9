#include "wire/extension.h"

#include <algorithm>
#include <limits>

#include "base/clean_text.h"
#include "base/limits.h"
#include "base/status.h"
#include "torrent/bencode.h"

namespace torrent::wire {
namespace {

// By Extension. Sorted, because they become keys.
constexpr absl::string_view kExtensionNames[kExtensionCount] = {"lt_donthave", "upload_only", "ut_holepunch",
                                                                "ut_metadata", "ut_pex"};

// The integer `key` where it is in [least, most].
absl::optional<int64_t> FindWithin(const bencode::Value& dictionary, absl::string_view key, int64_t least,
                                   int64_t most) {
  const bencode::Value* value = dictionary.FindInteger(key);
  if (value == nullptr || value->integer() < least || value->integer() > most) return absl::nullopt;
  return value->integer();
}

}  // namespace

absl::string_view ExtensionName(Extension extension) { return kExtensionNames[static_cast<size_t>(extension)]; }

void ExtensionIds::Update(const ExtensionHandshake& handshake) {
  for (size_t i = 0; i < kExtensionCount; ++i) {
    if (handshake.ids[i].has_value()) ids_[i] = *handshake.ids[i];
  }
}

absl::optional<Extension> ExtensionIds::Find(uint8_t id) const {
  for (size_t i = 0; i < kExtensionCount; ++i) {
    if (id != 0 && ids_[i] == id) return static_cast<Extension>(i);
  }
  return absl::nullopt;
}

absl::StatusOr<ExtensionHandshake> ParseExtensionHandshake(absl::string_view payload) {
  size_t trailing_bytes = 0;
  bencode::DecodeOptions options;
  options.max_depth = kMaxBencodeDepth;
  options.max_items = kMaxExtensionHandshakeItems;
  options.trailing_bytes = &trailing_bytes;
  absl::StatusOr<bencode::Value> decoded = bencode::Decode(payload, options);
  if (!decoded.ok()) return Annotate(decoded.status(), "extension handshake");
  if (!decoded->is_dictionary()) return absl::InvalidArgumentError("extension handshake: not a dictionary");
  const bencode::Value& root = *decoded;

  ExtensionHandshake handshake;
  if (const bencode::Value* m = root.FindDictionary("m")) {
    for (size_t i = 0; i < kExtensionCount; ++i) {
      if (absl::optional<int64_t> id = FindWithin(*m, kExtensionNames[i], 0, 255)) {
        handshake.ids[i] = static_cast<uint8_t>(*id);
      }
    }
  }
  if (const bencode::Value* v = root.FindString("v")) handshake.client = CleanText(v->string(), kMaxClientNameBytes);
  if (auto reqq = FindWithin(root, "reqq", 1, std::numeric_limits<int64_t>::max())) {
    handshake.request_queue = static_cast<uint32_t>(std::min<int64_t>(*reqq, std::numeric_limits<uint32_t>::max()));
  }
  if (auto port = FindWithin(root, "p", 1, 65535)) handshake.port = static_cast<uint16_t>(*port);
  if (const bencode::Value* ip = root.FindString("yourip")) {
    const absl::string_view bytes = ip->string();
    if (bytes.size() == 4 || bytes.size() == 16) handshake.your_ip.assign(bytes.begin(), bytes.end());
  }
  if (auto size = FindWithin(root, "metadata_size", 1, kMaxPeerMetadataBytes)) {
    handshake.metadata_size = static_cast<uint32_t>(*size);
  }
  if (const bencode::Value* upload_only = root.FindInteger("upload_only")) {
    handshake.upload_only = upload_only->integer() != 0;
  }
  return handshake;
}

std::string EncodeExtensionHandshake(const ExtensionHandshake& handshake) {
  bencode::Encoder encoder;
  encoder.BeginDictionary();
  encoder.Key("m").BeginDictionary();
  for (size_t i = 0; i < kExtensionCount; ++i) {
    if (handshake.ids[i].has_value()) encoder.Key(kExtensionNames[i]).Integer(*handshake.ids[i]);
  }
  encoder.End();
  if (handshake.metadata_size.has_value()) encoder.Key("metadata_size").Integer(*handshake.metadata_size);
  if (handshake.port.has_value()) encoder.Key("p").Integer(*handshake.port);
  if (handshake.request_queue.has_value()) encoder.Key("reqq").Integer(*handshake.request_queue);
  if (handshake.upload_only.has_value()) encoder.Key("upload_only").Integer(*handshake.upload_only ? 1 : 0);
  if (!handshake.client.empty()) encoder.Key("v").String(handshake.client);
  if (!handshake.your_ip.empty()) {
    encoder.Key("yourip").String({reinterpret_cast<const char*>(handshake.your_ip.data()), handshake.your_ip.size()});
  }
  encoder.End();
  return encoder.Take();
}

}  // namespace torrent::wire
