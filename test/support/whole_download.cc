#include "test/support/whole_download.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/random.h"

namespace torrent::test {

namespace {

using Outcome = PieceQueue::Arrival::Outcome;

// Pipelines between the one that a peer starts with and what a peer queues that does not say.
constexpr size_t kMinDepth = 32;
constexpr size_t kMaxDepth = 250;
// Blocks of one turn of a worker: a receive buffer of 256 KiB full.
constexpr size_t kTurnBlocks = 15;
// Blocks of one turn of the writer.
constexpr size_t kWriteBlocks = kWriteRunBytes / kBlockBytes;
// All peers are equally fast, and each has one turn in this time.
constexpr Duration kTurn = std::chrono::milliseconds(250);
constexpr double kRate = 4.0 * kTurnBlocks * kBlockBytes;

// A download is measured in parts of so many blocks, half a millisecond each: shorter than the turn that the system
// gives a thread, so that among several measurements there is one of each part that nobody came between. Whoever comes
// between leaves cold caches, which cost a large swarm more than a small one.
constexpr uint64_t kPartBlocks = 8000;

// All pieces have the hash of no bytes at all, for none are hashed.
std::shared_ptr<const Metainfo> MakeMetainfo(uint32_t pieces) {
  auto metainfo = std::make_shared<Metainfo>();
  metainfo->name = "whole";
  metainfo->piece_length = WholeDownload::kBlocksPerPiece * kBlockBytes;
  metainfo->piece_count = pieces;
  metainfo->total_length = uint64_t{pieces} * metainfo->piece_length;
  MetainfoFile file;
  file.path = "whole";
  file.length = metainfo->total_length;
  metainfo->files.push_back(file);
  const Sha1Hash nothing = Sha1::Of(absl::string_view());
  for (uint32_t p = 0; p < pieces; p++) absl::StrAppend(&metainfo->info_bytes, nothing.Raw());
  return metainfo;
}

wire::Bitfield RandomHalf(uint32_t pieces, Random* random) {
  wire::Bitfield half(pieces);
  for (uint32_t p = 0; p < pieces; p++) {
    if (random->Below(2) == 0) half.Set(p);
  }
  return half;
}

double ThreadSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

WholeDownload::WholeDownload(SwarmKind kind, uint32_t pieces, uint32_t peers, uint64_t seed)
    : metainfo_(MakeMetainfo(pieces)),
      layout_(*metainfo_),
      queue_(metainfo_, &layout_, seed, nullptr),
      peers_(peers),
      now_(Now()) {
  Random random(seed);
  PieceQueue::Effects effects;
  queue_.Begin(wire::Bitfield(pieces), wire::Bitfield::AllSet(pieces), {}, &effects);
  for (Peer& peer : peers_) {
    peer.claimant = queue_.AddClaimant(Endpoint());
    peer.depth = kMinDepth + random.Below(kMaxDepth - kMinDepth + 1);
    const bool seeds = kind == SwarmKind::kSeeds || &peer == &peers_.front();
    peer.claimant->SetBitfield(seeds ? wire::Bitfield::AllSet(pieces) : RandomHalf(pieces, &random));
  }
}

WholeDownload::~WholeDownload() = default;

void WholeDownload::Run(uint64_t blocks) {
  while (accepted_ < blocks && !queue_.Complete()) {
    for (Peer& peer : peers_) {
      Answer(&peer);
      Ask(&peer);
      if (to_write_.size() >= kWriteBlocks) Write();
    }
    Write();
    now_ += kTurn;
  }
}

void WholeDownload::Ask(Peer* peer) {
  if (peer->outstanding() > peer->depth / 2) return;
  peer->asked.erase(peer->asked.begin(), peer->asked.begin() + static_cast<ptrdiff_t>(peer->answered));
  peer->answered = 0;
  PieceQueue::Effects effects;
  peer->claimant->Claim(peer->depth - peer->asked.size(), {kRate, kTurn}, now_, {}, &peer->asked, &effects);
  CarryOut(effects);
}

void WholeDownload::Answer(Peer* peer) {
  if (peer->outstanding() == 0) return;
  arrivals_.clear();
  hashed_.clear();
  while (peer->outstanding() > 0 && arrivals_.size() < kTurnBlocks) {
    arrivals_.push_back({peer->asked[peer->answered++], Outcome::kLost, nullptr});
  }
  PieceQueue::Effects effects;
  peer->claimant->Accept(absl::MakeSpan(arrivals_), &effects);
  for (const PieceQueue::Arrival& arrival : arrivals_) {
    if (arrival.outcome == Outcome::kLost) continue;
    accepted_++;
    to_write_.push_back(arrival.block);
    if (arrival.outcome != Outcome::kHash) continue;
    if (std::find(hashed_.rbegin(), hashed_.rend(), arrival.block.piece_index) == hashed_.rend()) {
      hashed_.push_back(arrival.block.piece_index);
    }
  }
  if (!hashed_.empty()) queue_.HashDone(hashed_, &effects);
  CarryOut(effects);
}

void WholeDownload::Write() {
  PieceQueue::Effects effects;
  queue_.OnWritten(to_write_, &effects);
  to_write_.clear();
  CarryOut(effects);
}

void WholeDownload::CarryOut(const PieceQueue::Effects& effects) {
  for (const auto& [id, block] : effects.cancels) {
    Peer& peer = peers_[id - 1];
    auto found = std::find(peer.asked.begin() + static_cast<ptrdiff_t>(peer.answered), peer.asked.end(), block);
    if (found != peer.asked.end()) peer.asked.erase(found);
  }
  if (!effects.upkeep_due) return;
  while (absl::optional<PieceQueue::CatchUp> turn = queue_.TakeCatchUp()) {
    PieceQueue::Effects more;
    queue_.HashDone({&turn->piece_index, 1}, &more);
    CarryOut(more);
  }
}

double WholeDownload::Cost::Seconds() const { return std::accumulate(parts_.begin(), parts_.end(), 0.0); }

void WholeDownload::Cost::KeepLeast(const Cost& other) {
  for (size_t i = 0; i < parts_.size(); i++) parts_[i] = std::min(parts_[i], other.parts_[i]);
}

WholeDownload::Cost WholeDownload::Measure(SwarmKind kind, uint32_t pieces, uint32_t peers) {
  WholeDownload download(kind, pieces, peers, 1);
  Cost cost;
  cost.blocks_ = uint64_t{pieces} * kBlocksPerPiece;
  double start = ThreadSeconds();
  for (uint64_t blocks = 0; blocks < cost.blocks_;) {
    blocks += kPartBlocks;
    download.Run(blocks < cost.blocks_ ? blocks : UINT64_MAX);  // the last part ends when all is written
    const double end = ThreadSeconds();
    cost.parts_.push_back(end - start);
    start = end;
  }
  return cost;
}

}  // namespace torrent::test
