#include "test/swarm/queue_world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/bytes.h"

namespace torrent {

using Outcome = PieceQueue::Arrival::Outcome;

std::string ToText(const std::vector<BlockRef>& blocks) {
  std::string text;
  for (const BlockRef& block : blocks) {
    absl::StrAppend(&text, text.empty() ? "" : " ", block.piece_index, ".", block.block);
  }
  return text;
}

std::vector<BlockRef> ToBlocks(absl::string_view text) {
  std::vector<BlockRef> blocks;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> halves = absl::StrSplit(word, '.');
    BlockRef block;
    if (!absl::SimpleAtoi(halves.first, &block.piece_index) || !absl::SimpleAtoi(halves.second, &block.block)) abort();
    blocks.push_back(block);
  }
  return blocks;
}

wire::Bitfield ToBitfield(absl::string_view bits) {
  wire::Bitfield bitfield(bits.size());
  for (size_t i = 0; i < bits.size(); i++) {
    if (bits[i] == '1') bitfield.Set(i);
  }
  return bitfield;
}

std::string QueueWorld::Good(const BlockRef& block) const {
  return absl::StrCat("good ", block.piece_index, ".", block.block);
}

QueueWorld::QueueWorld(uint32_t pieces, uint32_t blocks, uint64_t seed)
    : metainfo_([&] {
        auto metainfo = std::make_shared<Metainfo>();
        metainfo->name = "mini";
        metainfo->piece_length = blocks * kBlockBytes;
        metainfo->piece_count = pieces;
        metainfo->total_length = uint64_t{pieces} * metainfo->piece_length - 1000;
        MetainfoFile file;
        file.path = "mini";
        file.length = metainfo->total_length;
        metainfo->files.push_back(file);
        for (uint32_t p = 0; p < pieces; p++) {
          Sha1 hasher;
          for (uint32_t b = 0; b < blocks; b++) hasher.Update(AsBytes(Good({p, b})));
          absl::StrAppend(&metainfo->info_bytes, hasher.Finish().Raw());
        }
        return metainfo;
      }()),
      layout_(*metainfo_),
      wanted_(wire::Bitfield::AllSet(pieces)),
      queue_(std::make_unique<PieceQueue>(metainfo_, &layout_, seed,
                                          [this](const PieceQueue::Effects& effects) { CarryOut(effects); })) {
  now = Now();
}

void QueueWorld::Begin(absl::string_view have, absl::string_view wanted, absl::string_view blocks_on_disk) {
  const uint32_t pieces = layout_.piece_count();
  if (!wanted.empty()) wanted_ = ToBitfield(wanted);
  const wire::Bitfield there = have.empty() ? wire::Bitfield(pieces) : ToBitfield(have);
  for (uint32_t p = 0; p < pieces; p++) {
    for (uint32_t b = 0; there.Test(p) && b < layout_.BlockCount(p); b++) disk_[{p, b}] = Good({p, b});
  }
  std::map<uint32_t, wire::Bitfield> partial;
  for (const BlockRef& block : ToBlocks(blocks_on_disk)) {
    disk_[{block.piece_index, block.block}] = Good(block);
    partial.try_emplace(block.piece_index, wire::Bitfield(layout_.BlockCount(block.piece_index)))
        .first->second.Set(block.block);
  }
  PieceQueue::Effects effects;
  queue_->Begin(there, wanted_, std::vector<std::pair<uint32_t, wire::Bitfield>>(partial.begin(), partial.end()),
                &effects);
  CarryOut(effects);
}

QueueWorld::Peer* QueueWorld::Join(absl::string_view bits, double bytes_per_second, Duration latency) {
  Peer& peer = peers_.emplace_back();
  peer.endpoint = *Endpoint::Parse(absl::StrCat("10.0.0.1:", 1000 + joined_++));
  peer.pace = {bytes_per_second, latency};
  peer.claimant = queue_->AddClaimant(peer.endpoint);
  by_id_[peer.claimant->id()] = &peer;
  peer.claimant->SetBitfield(ToBitfield(bits));
  return &peer;
}

QueueWorld::Peer* QueueWorld::Seed(double bytes_per_second, Duration latency) {
  return Join(std::string(layout_.piece_count(), '1'), bytes_per_second, latency);
}

void QueueWorld::Leave(Peer* peer) {
  by_id_.erase(peer->claimant->id());
  peer->claimant.reset();
  peers_.remove_if([peer](const Peer& other) { return &other == peer; });
}

std::string QueueWorld::NameOf(const Endpoint& endpoint) const {
  return std::string(1, static_cast<char>('a' + endpoint.port - 1000));
}

void QueueWorld::CarryOut(const PieceQueue::Effects& effects) {
  for (const auto& [id, block] : effects.cancels) {
    auto found = by_id_.find(id);
    if (found == by_id_.end()) continue;  // it left
    Peer* peer = found->second;
    absl::StrAppend(&cancels, cancels.empty() ? "" : " ", NameOf(peer->endpoint), ":", ToText({block}));
    auto asked = std::find(peer->asked.begin(), peer->asked.end(), block);
    if (asked == peer->asked.end()) continue;
    peer->late.push_back(block);
    peer->asked.erase(asked);
  }
  for (const Endpoint& liar : effects.liars) {
    liars += NameOf(liar);
    convicted.push_back(liar);
  }
  verified.insert(verified.end(), effects.verified.begin(), effects.verified.end());
  failed.insert(failed.end(), effects.failed.begin(), effects.failed.end());
  written.insert(written.end(), effects.written.begin(), effects.written.end());
  work_returned |= effects.work_returned;
}

std::string QueueWorld::Claim(Peer* peer, size_t count, const std::vector<uint32_t>& only) {
  std::vector<BlockRef> blocks;
  PieceQueue::Effects effects;
  peer->claimant->Claim(count, peer->pace, now, only, &blocks, &effects);
  peer->asked.insert(peer->asked.end(), blocks.begin(), blocks.end());
  CarryOut(effects);
  return ToText(blocks);
}

void QueueWorld::GiveBack(Peer* peer, absl::string_view blocks) {
  const std::vector<BlockRef> given = ToBlocks(blocks);
  for (const BlockRef& block : given) {
    peer->asked.erase(std::find(peer->asked.begin(), peer->asked.end(), block));
    peer->late.push_back(block);
  }
  PieceQueue::Effects effects;
  peer->claimant->GiveBack(given, &effects);
  CarryOut(effects);
}

void QueueWorld::GiveBackAll(Peer* peer) { GiveBack(peer, ToText({peer->asked.begin(), peer->asked.end()})); }

QueueWorld::Turn QueueWorld::Arrive(Peer* peer, const std::vector<BlockRef>& blocks, absl::string_view lie) {
  Turn turn;
  std::vector<PieceQueue::Arrival> arrivals;
  for (const BlockRef& block : blocks) {
    arrivals.push_back({block, Outcome::kLost, nullptr});
    auto asked = std::find(peer->asked.begin(), peer->asked.end(), block);
    if (asked != peer->asked.end()) peer->asked.erase(asked);
  }
  PieceQueue::Effects effects;
  peer->claimant->Accept(absl::MakeSpan(arrivals), &effects);
  CarryOut(effects);
  for (const PieceQueue::Arrival& arrival : arrivals) {
    turn.blocks.push_back({arrival.block, absl::StrCat(Good(arrival.block), lie), arrival.outcome, arrival.hasher});
    peer->has_lied |= !lie.empty() && arrival.outcome != Outcome::kLost;
  }
  return turn;
}

void QueueWorld::Finish(Turn turn) {
  std::vector<uint32_t> hashed;
  for (Turn::Block& block : turn.blocks) {
    if (block.outcome != Outcome::kHash) continue;
    block.hasher->Update(AsBytes(block.content));
    if (std::find(hashed.begin(), hashed.end(), block.block.piece_index) == hashed.end()) {
      hashed.push_back(block.block.piece_index);
    }
  }
  PieceQueue::Effects effects;
  if (!hashed.empty()) queue_->HashDone(hashed, &effects);
  for (Turn::Block& block : turn.blocks) {
    if (block.outcome != Outcome::kLost) to_write_.emplace_back(block.block, std::move(block.content));
  }
  CarryOut(effects);
}

std::string QueueWorld::Deliver(Peer* peer, absl::string_view blocks, absl::string_view lie) {
  Turn turn = Arrive(peer, ToBlocks(blocks), lie);
  std::string words;
  for (const Turn::Block& block : turn.blocks) {
    static constexpr const char* kWords[] = {"lost", "accepted", "hash"};
    absl::StrAppend(&words, words.empty() ? "" : " ", kWords[static_cast<int>(block.outcome)]);
  }
  Finish(std::move(turn));
  return words;
}

void QueueWorld::Write(size_t count) {
  std::vector<BlockRef> blocks;
  for (; count > 0 && !to_write_.empty(); count--) {
    const auto& [block, content] = to_write_.front();
    // A piece that is announced and served is never written to.
    EXPECT_FALSE(queue_->IsWritten(block.piece_index)) << ToText({block});
    disk_[{block.piece_index, block.block}] = content;
    blocks.push_back(block);
    to_write_.pop_front();
  }
  PieceQueue::Effects effects;
  queue_->OnWritten(blocks, &effects);
  CarryOut(effects);
}

bool QueueWorld::UpkeepOnce(bool read_fails) {
  auto hashes_of = [&](uint32_t piece_index) {
    std::vector<Sha1Hash> hashes;
    if (read_fails) return hashes;
    for (uint32_t b = 0; b < layout_.BlockCount(piece_index); b++) {
      EXPECT_EQ(disk_.count({piece_index, b}), 1u) << piece_index << "." << b << " is read before it is written";
      hashes.push_back(Sha1::Of(disk_[{piece_index, b}]));
    }
    return hashes;
  };
  PieceQueue::Effects effects;
  if (absl::optional<PieceQueue::CatchUp> turn = queue_->TakeCatchUp()) {
    EXPECT_GT(turn->block_count, 0u);
    if (read_fails) {
      queue_->HashFailed(turn->piece_index, &effects);
    } else {
      for (uint32_t b = turn->first_block; b < turn->first_block + turn->block_count; b++) {
        EXPECT_EQ(disk_.count({turn->piece_index, b}), 1u) << turn->piece_index << "." << b;
        turn->hasher->Update(AsBytes(disk_[{turn->piece_index, b}]));
      }
      queue_->HashDone({&turn->piece_index, 1}, &effects);
    }
  } else if (absl::optional<uint32_t> bad = queue_->TakeFailed()) {
    queue_->KeepEvidence(*bad, hashes_of(*bad), &effects);
  } else if (absl::optional<uint32_t> good = queue_->TakeVerdict()) {
    queue_->Judge(*good, hashes_of(*good), &effects);
  } else {
    return false;
  }
  CarryOut(effects);
  return true;
}

void QueueWorld::Settle() {
  do {
    Write();
  } while (UpkeepOnce());
}

void QueueWorld::Lose(uint32_t piece_index) {
  PieceQueue::Effects effects;
  queue_->Lose(piece_index, &effects);
  CarryOut(effects);
}

void QueueWorld::Spoil(absl::string_view block) {
  const BlockRef spoilt = ToBlocks(block).at(0);
  disk_[{spoilt.piece_index, spoilt.block}] = "spoilt";
}

bool QueueWorld::Drain(int turns) {
  for (; turns > 0; turns--) {
    bool any = false;
    Settle();
    for (Peer& peer : peers_) {
      any |= !Claim(&peer, 4).empty();
      while (!peer.asked.empty()) {
        Deliver(&peer, ToText({peer.asked.front()}));
        any = true;
      }
    }
    if (!any) return true;
  }
  return false;
}

bool QueueWorld::DiskIsRight() const {
  for (uint32_t p = 0; p < layout_.piece_count(); p++) {
    for (uint32_t b = 0; wanted_.Test(p) && b < layout_.BlockCount(p); b++) {
      auto found = disk_.find({p, b});
      if (found == disk_.end() || found->second != Good({p, b})) return false;
    }
  }
  return true;
}

}  // namespace torrent
