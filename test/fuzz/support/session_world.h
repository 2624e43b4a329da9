// One torrent as its peer workers see it: files on disk, queue, registry, and what else they stand in, with the writer
// and the coordinator's upkeep done between two portions of an input. A fresh one for each input, but for the folder.
// Thread: the target's, on which the workers run too, one after the other.
// Invariant checked at the end: what the queue says is written is on disk, with the right hash.
#ifndef TORRENT_TEST_FUZZ_SUPPORT_SESSION_WORLD_H_
#define TORRENT_TEST_FUZZ_SUPPORT_SESSION_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "swarm/handover.h"
#include "swarm/swarm_context.h"
#include "test/fuzz/support/small_torrent.h"
#include "test/swarm/fake_dht.h"

namespace torrent::fuzz {

class SessionWorld {
 public:
  // Bits of an input's first byte.
  enum Mode : uint8_t {
    kHasAll = 1,     // we have the files; else nothing
    kUnproven = 2,   // and each piece is hashed before it is served
    kUnchokes = 4,   // the choker gives the peer a slot
    kSilent = 8,     // the peer never reads
    kTraced = 16,    // somebody listens to all events
    kDiskFull = 32,  // nothing is written, and payload is dropped
    kLateDisk = 64,  // what was accepted is written at the end
    kLoopback = 128  // the peer is one of this machine
  };

  SessionWorld(const Torrent& torrent, uint8_t mode);
  ~SessionWorld();

  // A connection that came to us, from its first byte until it ends.
  void RunIncoming(std::vector<std::string> portions);
  // One whose handshakes were said while the metadata was fetched.
  void RunAdopted(LiveConnection live);
  // What the writer and the coordinator do meanwhile.
  void LookAround();

  // What all worlds of this process came to, so that a test sees that the inputs lead somewhere.
  struct Reach {
    size_t pieces_received = 0;  // with a right hash, written
    uint64_t bytes_sent = 0;     // payload
    size_t liars = 0;            // convicted
    size_t verdicts = 0;         // of them by evidence: pieces that were judged
    size_t adopted = 0;          // connections that went on after the metadata
  };
  static Reach* reached();

  SwarmContext* context() { return context_.get(); }
  // 68 bytes of a peer with that number, which speaks all that we speak.
  std::string HandshakeOf(uint8_t peer) const;

 private:
  struct Disk;
  struct Writer : PieceWriter::Queue {
    void Submit(std::vector<BlockWrite> more) override {
      for (BlockWrite& block : more) blocks.push_back(std::move(block));
    }
    bool HasRoom() const override { return true; }
    bool Drain(TimePoint) override { return true; }
    std::vector<BlockWrite> blocks;
  };
  static Disk* DiskOf(const Torrent& torrent);

  std::shared_ptr<PeerLink> AddLink();
  void Write();
  bool DoUpkeep();
  void CarryOut(const PieceQueue::Effects& effects);

  const Torrent& torrent_;
  std::shared_ptr<PeerLink> link_;  // of the present peer
  bool unchoked_ = false;
  const uint8_t mode_;
  Disk* const disk_;
  uint16_t next_port_ = 2000;
  RateLimiter download_limit_;
  RateLimiter upload_limit_;
  PieceQueue queue_;
  PeerRegistry registry_;
  Serving serving_;
  PeerHints hints_;
  PexRoster roster_;
  Writer writer_;
  FakeDht dht_;
  SharedParts shared_;
  std::unique_ptr<SwarmContext> context_;
};

}  // namespace torrent::fuzz

#endif  // TORRENT_TEST_FUZZ_SUPPORT_SESSION_WORLD_H_
