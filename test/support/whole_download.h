// A whole download as the piece queue sees it, and nothing else of it: peers that keep their pipelines full and answer
// in turn, a writer that is a little behind. No byte is moved or hashed, so that what it takes is what the queue takes.
// For measuring: the same for any number of pieces and peers.
// Thread: one.
#ifndef TORRENT_TEST_SUPPORT_WHOLE_DOWNLOAD_H_
#define TORRENT_TEST_SUPPORT_WHOLE_DOWNLOAD_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "metainfo/piece_layout.h"
#include "swarm/piece_queue.h"

namespace torrent::test {

// What the peers have.
enum class SwarmKind {
  kSeeds,     // everything, each
  kLeechers,  // half of the pieces each, at random, but for one seed
};

class WholeDownload {
 public:
  static constexpr uint32_t kBlocksPerPiece = 16;

  // Peers have joined and told what they have when this returns.
  WholeDownload(SwarmKind kind, uint32_t pieces, uint32_t peers, uint64_t seed);
  ~WholeDownload();

  // Claims, accepts and writes until the queue is complete, or `blocks` were accepted in all.
  void Run(uint64_t blocks);

  // The processor time of this thread that a whole download takes from its first claim on.
  class Cost {
   public:
    double Seconds() const;
    double SecondsPerBlock() const { return Seconds() / static_cast<double>(blocks_); }
    uint64_t blocks() const { return blocks_; }
    // Of each part of the download the lesser time: what a part takes beyond that was the machine's other work.
    void KeepLeast(const Cost& other);

   private:
    friend class WholeDownload;
    uint64_t blocks_ = 0;
    std::vector<double> parts_;  // seconds each
  };
  static Cost Measure(SwarmKind kind, uint32_t pieces, uint32_t peers);

 private:
  struct Peer {
    std::unique_ptr<PieceQueue::Claimant> claimant;
    size_t depth = 0;             // of its pipeline
    std::vector<BlockRef> asked;  // the first `answered` of them are
    size_t answered = 0;
    size_t outstanding() const { return asked.size() - answered; }
  };
  void Ask(Peer* peer);
  void Answer(Peer* peer);
  void Write();
  void CarryOut(const PieceQueue::Effects& effects);

  const std::shared_ptr<const Metainfo> metainfo_;
  const PieceLayout layout_;
  PieceQueue queue_;
  std::vector<Peer> peers_;  // by claimant, the first of which is 1
  TimePoint now_;
  std::vector<BlockRef> to_write_;
  uint64_t accepted_ = 0;
  // Kept between calls, as a worker keeps them.
  std::vector<PieceQueue::Arrival> arrivals_;
  std::vector<uint32_t> hashed_;
};

}  // namespace torrent::test

#endif  // TORRENT_TEST_SUPPORT_WHOLE_DOWNLOAD_H_
