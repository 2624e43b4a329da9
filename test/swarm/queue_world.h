// A piece queue with everything around it that the program has in other places: claimants that remember what they were
// asked, a writer's queue, a disk, and the upkeep that reads it back. A swarm is drawn as strings: "110" is a peer that
// has the first two of three pieces, "2.0 2.1" are the first two blocks of piece 2. A block's content is 12 bytes here,
// whatever length the layout says: the queue never looks at it, and hashing stays cheap.
// Thread: one. Every effect of every call is carried out and remembered.
#ifndef TORRENT_TEST_SWARM_QUEUE_WORLD_H_
#define TORRENT_TEST_SWARM_QUEUE_WORLD_H_

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metainfo/piece_layout.h"
#include "swarm/piece_queue.h"

namespace torrent {

std::string ToText(const std::vector<BlockRef>& blocks);  // "2.0 2.1"
std::vector<BlockRef> ToBlocks(absl::string_view text);
wire::Bitfield ToBitfield(absl::string_view bits);  // "110"

class QueueWorld {
 public:
  struct Peer {
    std::unique_ptr<PieceQueue::Claimant> claimant;
    Endpoint endpoint;
    PieceQueue::Pace pace;
    std::deque<BlockRef> asked;  // and not answered, cancelled or given back
    std::vector<BlockRef> late;  // cancelled or given back: may come all the same
    bool has_lied = false;       // a wrong byte of it was accepted, ever
  };
  // What Accept took and HashDone does not know of yet: a worker in the middle of its turn.
  struct Turn {
    struct Block {
      BlockRef block;
      std::string content;
      PieceQueue::Arrival::Outcome outcome;
      Sha1* hasher;
    };
    std::vector<Block> blocks;
  };

  // Pieces of `blocks` blocks each; the last block of the last piece is short.
  QueueWorld(uint32_t pieces, uint32_t blocks, uint64_t seed = 1);
  // Claimants go before the queue, and nobody hears of it.
  ~QueueWorld() {
    by_id_.clear();
    peers_.clear();
  }

  // Before the first peer. Empty: nothing there, all wanted.
  void Begin(absl::string_view have = "", absl::string_view wanted = "", absl::string_view blocks_on_disk = "");

  // A peer that has these pieces; its rate 0: not known yet.
  Peer* Join(absl::string_view bits, double bytes_per_second = 0, Duration latency = {});
  Peer* Seed(double bytes_per_second = 0, Duration latency = {});
  void Leave(Peer* peer);

  // Each answers its blocks as text.
  std::string Claim(Peer* peer, size_t count, const std::vector<uint32_t>& only = {});
  void GiveBack(Peer* peer, absl::string_view blocks);
  void GiveBackAll(Peer* peer);

  // The blocks come whole from `peer`, and go all the way to the writer's queue. Answers a word a block: "hash",
  // "accepted", "lost". `lie`: other bytes than the piece has, the same for the same lie.
  std::string Deliver(Peer* peer, absl::string_view blocks, absl::string_view lie = "");
  // The same in two halves.
  Turn Arrive(Peer* peer, const std::vector<BlockRef>& blocks, absl::string_view lie = "");
  void Finish(Turn turn);

  // Writes the oldest `count` blocks of the writer's queue.
  void Write(size_t count = SIZE_MAX);
  // One duty of the coordinator: catch-up, evidence, or verdict. False when there was none.
  bool UpkeepOnce(bool read_fails = false);
  // All of both, until nothing is left to do.
  void Settle();
  void Lose(uint32_t piece_index);
  // Other bytes stand on the disk from now on.
  void Spoil(absl::string_view block);
  // Asks everybody for everything and lets it come, till nobody claims any more. False when that takes more than
  // `turns` rounds.
  bool Drain(int turns = 1000);

  void Advance(Duration time) { now += time; }

  PieceQueue& queue() { return *queue_; }
  const PieceLayout& layout() const { return layout_; }
  std::list<Peer>& peers() { return peers_; }
  size_t unwritten() const { return to_write_.size(); }
  std::string Good(const BlockRef& block) const;
  // Whether all wanted pieces are on disk with the right bytes.
  bool DiskIsRight() const;

  // What has been told so far, in order.
  std::string cancels;              // "b:2.0", the peers named a, b, c in the order in which they came
  std::string liars;                // "b"
  std::vector<Endpoint> convicted;  // the same
  std::vector<uint32_t> verified, failed, written;
  bool work_returned = false;
  TimePoint now;

 private:
  void CarryOut(const PieceQueue::Effects& effects);
  std::string NameOf(const Endpoint& endpoint) const;

  std::shared_ptr<const Metainfo> metainfo_;
  PieceLayout layout_;
  wire::Bitfield wanted_;
  std::list<Peer> peers_;
  std::map<ClaimantId, Peer*> by_id_;
  std::deque<std::pair<BlockRef, std::string>> to_write_;
  std::map<std::pair<uint32_t, uint32_t>, std::string> disk_;
  int joined_ = 0;
  std::unique_ptr<PieceQueue> queue_;
};

}  // namespace torrent

#endif  // TORRENT_TEST_SWARM_QUEUE_WORLD_H_
