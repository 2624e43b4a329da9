// The extension handshake of BEP 10: which extension messages a peer understands, under which ids, and facts about
// itself. A bencoded dictionary in an `extended` message with the extended id 0. Thread: pure functions. Invariant:
// every field of a parsed handshake is within its bounds; what was not is as if it had not been sent.
#ifndef TORRENT_WIRE_EXTENSION_H_
#define TORRENT_WIRE_EXTENSION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace torrent::wire {

// The extended id of the extension handshake itself.
inline constexpr uint8_t kExtensionHandshakeId = 0;

// The extensions that are spoken of here, in the order of their names.
enum class Extension : uint8_t {
  kDontHave,    // lt_donthave, BEP 54
  kUploadOnly,  // upload_only as a message: what BEP 21 says in the handshake, said later
  kHolepunch,   // ut_holepunch, BEP 55
  kMetadata,    // ut_metadata, BEP 9
  kPex,         // ut_pex, BEP 11
};
inline constexpr size_t kExtensionCount = 5;
absl::string_view ExtensionName(Extension extension);

struct ExtensionHandshake {
  // `m`: the id of each extension, by Extension. 0 says that it is not, or no longer, spoken; nothing that it was not
  // named: a later handshake on the same connection changes only what it names.
  std::array<absl::optional<uint8_t>, kExtensionCount> ids;
  // `v`: the peer's program and version, cleaned and cut to kMaxClientNameBytes; empty where not sent.
  std::string client;
  // `reqq`: requests that the peer queues before it drops some; at least 1.
  absl::optional<uint32_t> request_queue;
  // `p`: the peer's listening port. Not 0.
  absl::optional<uint16_t> port;
  // `yourip`: our address as the peer sees it, 4 or 16 bytes in network order; empty where not sent.
  absl::InlinedVector<uint8_t, 16> your_ip;
  // `metadata_size`: bytes of the `info` value (BEP 9), 1 to kMaxPeerMetadataBytes.
  absl::optional<uint32_t> metadata_size;
  // `upload_only`: the peer wants nothing (BEP 21).
  absl::optional<bool> upload_only;
};

// The ids that hold on a connection, 0 where an extension is not spoken. They are given by who receives: the peer's
// stand in what is sent to it, ours in what comes from it.
class ExtensionIds {
 public:
  uint8_t operator[](Extension extension) const { return ids_[static_cast<size_t>(extension)]; }
  void Update(const ExtensionHandshake& handshake);
  // The extension with this id; nothing for 0 and for ids that were not given.
  absl::optional<Extension> Find(uint8_t id) const;

 private:
  std::array<uint8_t, kExtensionCount> ids_ = {};
};

// Reads the payload of an `extended` message with the extended id 0. Lenient about single fields, which peers of twenty
// years got wrong in every way: one of another type or out of bounds is ignored. InvalidArgument when `payload` is no
// bencoded dictionary within the bounds. Bytes after it are ignored.
absl::StatusOr<ExtensionHandshake> ParseExtensionHandshake(absl::string_view payload);

// The bencoded dictionary, to be sent by EncodeExtended(kExtensionHandshakeId, ...). Holds what is set in `handshake`,
// and of `ids` those that are not 0.
std::string EncodeExtensionHandshake(const ExtensionHandshake& handshake);

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_EXTENSION_H_
