// Peer ids: 20 bytes by which a peer names itself for the length of a session (BEP 3, "peer id"), and what they say
// about the program that made them (BEP 20). Thread: pure functions.
#ifndef TORRENT_WIRE_PEER_ID_H_
#define TORRENT_WIRE_PEER_ID_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace torrent::wire {

using PeerId = std::array<uint8_t, 20>;

// The two letters of this client in BEP 20's form `-PW0100-`, after its library's name, piecework. Neither the BEP's
// list nor the tables of libtorrent and Transmission know another client by them.
inline constexpr absl::string_view kClientLetters = "PW";

// `-PW`, four characters of the version ("0.1.0" gives 0100), `-`, and 12 letters and digits that nobody can guess.
PeerId GeneratePeerId(absl::string_view version);

// The program that a peer id speaks of, for logs: "Transmission 4.0.5", "-ZZ 1.2.3" for letters that are not in the
// table, "unknown client" for ids of no known form. Always printable ASCII of at most 64 bytes. Nothing may depend on
// it: a peer id says what its owner likes.
std::string ClientOfPeerId(const PeerId& peer_id);

}  // namespace torrent::wire

#endif  // TORRENT_WIRE_PEER_ID_H_
