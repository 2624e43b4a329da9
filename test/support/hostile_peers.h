// The ways in which a peer may break the protocol, each a few lines of script with a name and the hazards that it
// shows: one table for all who play them, beside a download (they listen, and have everything) and at the door of a
// seeder (they dial, and have nothing).
#ifndef TORRENT_TEST_SUPPORT_HOSTILE_PEERS_H_
#define TORRENT_TEST_SUPPORT_HOSTILE_PEERS_H_

#include <ostream>
#include <string>
#include <vector>

#include "test/support/payload.h"
#include "test/support/scripted_seeder.h"

namespace torrent::test {

struct HostilePeer {
  // What a download does with it. A seeder does the same with who dials it, but that nobody is banned there.
  enum class Ending {
    kDropped,  // established, then ended by us
    kBanned,   // the same, and it may not come back
    kRefused,  // ended by us before it counted as connected
    kStays,    // what it does is put up with, for as long as a test lasts
    kLeaves,   // it hangs up itself
  };
  // Where its script means anything.
  enum class Role { kBoth, kListens, kDials };

  friend void PrintTo(const HostilePeer& peer, std::ostream* out) { *out << peer.name; }

  std::string name;
  std::string hazards;  // rows: "36 38"
  ScriptedSeeder::Manner manner;
  Ending ending;
  std::string reason = "";  // part of the reason that the event tells
  Role role = Role::kBoth;
};

// All of them, for this torrent. Each calls Line::Delivered when its fault has happened, and answers requests honestly
// but for what it says.
std::vector<HostilePeer> HostilePeers(const Payload& payload);

// By what they break; HostilePeers() has them all.
std::vector<HostilePeer> HostileGreeters(const Payload& payload);
std::vector<HostilePeer> HostileTalkers(const Payload& payload);    // lengths, indices, flapping
std::vector<HostilePeer> HostileFloods(const Payload& payload);     // of valid messages; never reading
std::vector<HostilePeer> HostileGivers(const Payload& payload);     // of blocks
std::vector<HostilePeer> HostileExtenders(const Payload& payload);  // BEP 9, 10, 11

// --- What their scripts are made of ----------------------------------------------------------------------------------
namespace hostile {
using Line = ScriptedSeeder::Line;
using Manner = ScriptedSeeder::Manner;
using Ending = HostilePeer::Ending;
using Role = HostilePeer::Role;

std::string MessageOf(uint32_t length_prefix, uint8_t id, absl::string_view rest);
std::string Times(size_t count, const std::string& bytes);
std::string Block(uint32_t piece_index, uint32_t begin, const std::string& bytes);

// Says these bytes in place of what it has.
Manner BeginsWith(const std::string& bytes, bool fast = false);
// Says what it has, and then these bytes.
Manner Says(const std::string& bytes, bool fast = false);
// The same with the bits of BEP 10 in its handshake.
Manner SaysExtended(const std::string& bytes);
// The same again and again, some 1.6 MB/s of it, until it is sent away. It goes on reading only where it `reads`.
Manner Pours(const std::string& bytes, bool fast = false, bool extended = false, bool reads = true);
Manner Answers(std::function<bool(Line&, const wire::Message&)> answer, bool fast = false);
}  // namespace hostile

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_HOSTILE_PEERS_H_
