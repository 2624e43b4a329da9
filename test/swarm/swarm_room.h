// What a peer worker stands in, without the worker: one torrent's store, queue, registry, and a writer that writes when
// the test says so. For tests of a connection's two halves.
// Thread: the test's.
#ifndef TORRENT_TEST_SWARM_SWARM_ROOM_H_
#define TORRENT_TEST_SWARM_SWARM_ROOM_H_

#include <memory>
#include <string>
#include <vector>

#include "swarm/swarm_context.h"
#include "test/support/files.h"
#include "test/support/payload.h"

namespace torrent {

class SwarmRoom {
 public:
  // A torrent of so many pieces of that many blocks, whole on disk or not there at all. `upload_limit` as RateLimiter.
  SwarmRoom(uint32_t pieces, uint32_t blocks, bool complete, int64_t upload_limit = 0, bool is_private = false);

  std::shared_ptr<PeerLink> AddLink();
  // What the session shares; set before workers run.
  SharedParts* shared() { return &shared_; }
  PeerHints* hints() { return &hints_; }
  PexRoster* roster() { return &roster_; }
  SwarmContext* context() { return context_.get(); }
  const test::Payload& payload() const { return payload_; }
  std::string PathOfFile() const { return payload_.PathIn(folder_.path(), 0); }
  // Marks all pieces as not proven (serving.h).
  void DistrustAll() { serving_.Begin(wire::Bitfield::AllSet(layout_.piece_count())); }
  // Writes what was submitted, and tells the queue.
  void Write();
  size_t submitted() const { return writer_.blocks.size(); }

  std::vector<std::pair<ClaimantId, BlockRef>> cancels;
  std::vector<Endpoint> liars;
  std::vector<uint32_t> failed, written;

 private:
  struct Writer : PieceWriter::Queue {
    void Submit(std::vector<BlockWrite> more) override {
      for (BlockWrite& block : more) blocks.push_back(std::move(block));
    }
    bool HasRoom() const override { return true; }
    bool Drain(TimePoint) override { return true; }
    std::vector<BlockWrite> blocks;
  };
  void CarryOut(const PieceQueue::Effects& effects);

  test::TempFolder folder_;
  test::Payload payload_;
  PieceLayout layout_;
  FilePool pool_;
  std::unique_ptr<FileStore> store_;
  BufferPool buffers_{8 << 20, 0};
  RateLimiter download_limit_;
  RateLimiter upload_limit_;
  PieceQueue queue_;
  PeerRegistry registry_;
  Serving serving_;
  PeerHints hints_;
  PexRoster roster_;
  Writer writer_;
  SharedParts shared_;
  std::unique_ptr<SwarmContext> context_;
};

}  // namespace torrent

#endif  // TORRENT_TEST_SWARM_SWARM_ROOM_H_
