#include "swarm/block_download.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/memory_shortage.h"
#include "wire/message.h"

namespace torrent {

using Outcome = PieceQueue::Arrival::Outcome;

BlockDownload::BlockDownload(SwarmContext* context, PeerLink* link, TimePoint now)
    : context_(context), link_(link), claimant_(context->queue.AddClaimant(link->endpoint)), pipeline_(now) {
  link->claimant.store(claimant_->id(), std::memory_order_relaxed);
}

void BlockDownload::Ask(bool choked, const std::vector<uint32_t>& allowed_fast, TimePoint now, std::string* out) {
  hungry_ = false;
  if (choked && allowed_fast.empty()) return;
  if (context_->queue.Complete() || context_->disk_waits.load(std::memory_order_relaxed)) return;
  // In one go when half of it is answered: one claim and one send for many blocks.
  const size_t depth = pipeline_.depth();
  if (asked_.size() > depth / 2 || asked_.size() >= depth) return;
  const size_t want = depth - asked_.size();
  const PatientForMemory patient;  // what the queue counts as asked for is asked for
  claimed_.clear();
  PieceQueue::Effects effects;
  claimant_->Claim(want, pipeline_.pace(), now,
                   choked ? absl::MakeConstSpan(allowed_fast) : absl::Span<const uint32_t>(), &claimed_, &effects);
  hungry_ = claimed_.size() < want;
  if (asked_.empty() && !claimed_.empty()) pipeline_.OnFirstRequest(now);
  for (const BlockRef& block : claimed_) {
    asked_.push_back({block, now, asked_.size()});
    wire::EncodeRequest(block.piece_index, block.block * kBlockBytes,
                        context_->layout.BlockBytes(block.piece_index, block.block), out);
  }
  context_->carry_out(effects);
}

absl::Status BlockDownload::Expects(uint32_t piece_index, uint32_t begin, uint32_t length, TimePoint now,
                                    bool* expected) {
  *expected = false;
  const BlockRef block{piece_index, begin / kBlockBytes};
  if (context_->disk_waits.load(std::memory_order_relaxed)) {
    context_->wasted.fetch_add(length, std::memory_order_relaxed);
    return absl::OkStatus();
  }
  const bool exact = piece_index < context_->layout.piece_count() && begin % kBlockBytes == 0 &&
                     block.block < context_->layout.BlockCount(piece_index) &&
                     length == context_->layout.BlockBytes(piece_index, block.block);
  if (exact) {
    auto is_it = [&block](const Asked& asked) { return asked.block == block; };
    // Peers answer in the order of the requests, so this is mostly the first.
    if (auto found = std::find_if(asked_.begin(), asked_.end(), is_it); found != asked_.end()) {
      if (arrived_.empty()) wait_ = {now - found->at, found->ahead};
      asked_.erase(found);
      *expected = true;
      return absl::OkStatus();
    }
    while (!given_up_.empty() && given_up_.front().at + kLateAnswer < now) given_up_.pop_front();
    if (auto found = std::find_if(given_up_.begin(), given_up_.end(), is_it); found != given_up_.end()) {
      if (arrived_.empty()) wait_ = {};
      given_up_.erase(found);
      *expected = true;  // it may have been answered elsewhere: the queue decides
      return absl::OkStatus();
    }
  }
  context_->wasted.fetch_add(length, std::memory_order_relaxed);
  if (++unasked_ > kMaxUnaskedBlocks) {
    return absl::InvalidArgumentError(
        absl::StrCat("sent ", unasked_, " blocks that were not asked for, ", kMaxUnaskedBlocks, " are put up with"));
  }
  return absl::OkStatus();
}

void BlockDownload::Arrived(BlockWrite block, TimePoint) { arrived_.push_back(std::move(block)); }

void BlockDownload::Flush(TimePoint now) {
  if (arrived_.empty()) return;
  const PatientForMemory patient;  // what is accepted must reach its hash and the writer
  arrivals_.clear();
  size_t bytes = 0;
  for (const BlockWrite& block : arrived_) {
    arrivals_.push_back({{block.piece_index, block.block}, Outcome::kLost, nullptr});
    bytes += block.length;
  }
  pipeline_.OnBlocks(arrived_.size(), bytes, wait_, now);
  link_->downloaded.fetch_add(bytes, std::memory_order_relaxed);
  context_->downloaded.fetch_add(bytes, std::memory_order_relaxed);

  hashed_.clear();
  hashed_.reserve(arrived_.size());
  std::vector<BlockWrite> accepted;
  accepted.reserve(arrived_.size());
  PieceQueue::Effects effects;
  claimant_->Accept(absl::MakeSpan(arrivals_), &effects);
  for (size_t i = 0; i < arrived_.size(); i++) {
    if (arrivals_[i].outcome == Outcome::kLost) {
      context_->wasted.fetch_add(arrived_[i].length, std::memory_order_relaxed);
      continue;
    }
    if (arrivals_[i].outcome == Outcome::kHash) {
      for (const BlockWrite::Span& span : arrived_[i].spans) {
        arrivals_[i].hasher->Update({span.buffer.data() + span.begin, span.length});
      }
      if (std::find(hashed_.rbegin(), hashed_.rend(), arrived_[i].piece_index) == hashed_.rend()) {
        hashed_.push_back(arrived_[i].piece_index);
      }
    }
    accepted.push_back(std::move(arrived_[i]));
  }
  arrived_.clear();
  if (!hashed_.empty()) context_->queue.HashDone(hashed_, &effects);
  if (!accepted.empty()) context_->writer.Submit(std::move(accepted));
  context_->carry_out(effects);
}

void BlockDownload::Forget(const Asked& asked, TimePoint now) {
  if (given_up_.size() >= Pipeline::kMaxDepth) given_up_.pop_front();
  given_up_.push_back({asked.block, now, 0});
}

// Gives back asked_[first..].
void BlockDownload::GiveBack(size_t first, TimePoint now) {
  if (first >= asked_.size()) return;
  const PatientForMemory patient;  // or nobody would ask for them again
  claimed_.clear();
  for (size_t i = first; i < asked_.size(); i++) {
    claimed_.push_back(asked_[i].block);
    Forget(asked_[i], now);
  }
  asked_.erase(asked_.begin() + static_cast<ptrdiff_t>(first), asked_.end());
  PieceQueue::Effects effects;
  claimant_->GiveBack(claimed_, &effects);
  context_->carry_out(effects);
}

void BlockDownload::GiveBackAll(TimePoint now) { GiveBack(0, now); }

void BlockDownload::CancelAll(TimePoint now, std::string* out) {
  for (const Asked& asked : asked_) EncodeCancelOf(asked.block, out);
  GiveBackAll(now);
}

bool BlockDownload::Rejected(uint32_t piece_index, uint32_t begin, TimePoint now) {
  const BlockRef block{piece_index, begin / kBlockBytes};
  auto is_it = [&block](const Asked& asked) { return asked.block == block; };
  auto found = std::find_if(asked_.begin(), asked_.end(), is_it);
  if (found == asked_.end()) return std::any_of(given_up_.begin(), given_up_.end(), is_it);
  const PatientForMemory patient;  // or nobody would ask for it again
  Forget(*found, now);
  asked_.erase(found);
  PieceQueue::Effects effects;
  claimant_->GiveBack({&block, 1}, &effects);
  context_->carry_out(effects);
  return true;
}

void BlockDownload::EncodeCancelOf(const BlockRef& block, std::string* out) const {
  wire::EncodeCancel(block.piece_index, block.block * kBlockBytes,
                     context_->layout.BlockBytes(block.piece_index, block.block), out);
}

void BlockDownload::Cancel(const BlockRef& block, TimePoint now, std::string* out) {
  auto found =
      std::find_if(asked_.begin(), asked_.end(), [&block](const Asked& asked) { return asked.block == block; });
  if (found == asked_.end()) return;
  Forget(*found, now);
  asked_.erase(found);
  EncodeCancelOf(block, out);
}

void BlockDownload::Review(TimePoint now, std::string* out) {
  pipeline_.Decay(now);
  if (asked_.empty()) return;
  size_t keep = asked_.size();
  if (now >= pipeline_.StallDeadline()) {
    pipeline_.OnStall(now);
    keep = 0;
  } else if (asked_.size() > 2 * pipeline_.depth() + Pipeline::kStartDepth / 4) {
    keep = pipeline_.depth();
  }
  if (keep == asked_.size()) return;
  for (size_t i = keep; i < asked_.size(); i++) EncodeCancelOf(asked_[i].block, out);
  GiveBack(keep, now);
}

TimePoint BlockDownload::ReviewAt() const { return asked_.empty() ? TimePoint::max() : pipeline_.StallDeadline(); }

}  // namespace torrent
