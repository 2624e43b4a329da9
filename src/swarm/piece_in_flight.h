// The record of a piece between its first request and its last byte on disk. It holds no payload: blocks go from the
// socket to the file, and the hash over them is advanced as they pass.
// Thread: under the piece queue's lock, but for `hasher`, which belongs to whoever took the hash token.
#ifndef TORRENT_SWARM_PIECE_IN_FLIGHT_H_
#define TORRENT_SWARM_PIECE_IN_FLIGHT_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "base/sha1.h"

namespace torrent {

// A block, named by its piece and its number there; its first byte is number * 16 KiB.
struct BlockRef {
  uint32_t piece_index;
  uint32_t block;
  friend bool operator==(const BlockRef& a, const BlockRef& b) {
    return a.piece_index == b.piece_index && a.block == b.block;
  }
};

// Names a claimant for as long as the program runs; 0 is nobody.
using ClaimantId = uint32_t;

struct BlockInFlight {
  enum class State : uint8_t {
    kFree,       // nobody was asked, or who was asked will not answer
    kRequested,  // asked of one or two holders
    kAccepted,   // here, in the writer's queue
    kOnDisk,     // in its file (not synced)
  };
  State state = State::kFree;
  // kRequested: who was asked, each place used or 0. From kAccepted on, holders[0] is who sent it (0: an earlier run).
  ClaimantId holders[2] = {0, 0};

  ClaimantId contributor() const { return holders[0]; }
};

// When a block was asked of a holder, and when it is expected. Kept apart from BlockInFlight: blocks come and are
// written without it.
struct BlockTimes {
  uint32_t requested_ms[2] = {0, 0};
  uint32_t expected_ms[2] = {0, 0};

  // A holder that is late by more than its whole expectation, and this, does not count any more.
  static constexpr uint32_t kGraceMs = 300;
  uint32_t OverdueAfterMs(int h) const { return expected_ms[h] + (expected_ms[h] - requested_ms[h]) + kGraceMs; }
  bool Overdue(int h, uint32_t now_ms) const { return now_ms > OverdueAfterMs(h); }
  // One that is late at all. Who was late by some time is believed to be late by as much again, so that one that went
  // silent is worth less from moment to moment, whatever it was expected to do.
  uint32_t LateAfterMs(int h) const { return expected_ms[h] + kGraceMs; }
  bool Late(int h, uint32_t now_ms) const { return now_ms > LateAfterMs(h); }
  uint32_t BelievedMs(int h, uint32_t now_ms) const {
    return Late(h, now_ms) ? now_ms + (now_ms - expected_ms[h]) : expected_ms[h];
  }
};

struct PieceInFlight {
  explicit PieceInFlight(uint32_t index, uint32_t block_count)
      : piece_index(index), blocks(block_count), times(block_count) {
    free_blocks = block_count;
  }

  const uint32_t piece_index;
  bool verified = false;
  // The hash differed, or the exclusive owner left: once every accepted block is on disk, the piece starts again.
  bool failed = false;
  bool restart = false;
  // After a failure with several contributors: fetched from one peer alone, which this names once it began.
  bool exclusive = false;
  ClaimantId exclusive_owner = 0;
  // Bounds, so that its blocks need not be looked at one by one: none that one claimant holds alone is expected later,
  // no holder is late or overdue before.
  uint32_t latest_expected_ms = 0;
  uint32_t late_after_ms = 0xffffffff;
  uint32_t overdue_after_ms = 0xffffffff;

  std::vector<BlockInFlight> blocks;
  std::vector<BlockTimes> times;  // of blocks[i] while it is requested, each place as far as it has a holder
  uint32_t free_blocks;
  uint32_t accepted_blocks = 0;  // on disk ones too
  uint32_t on_disk_blocks = 0;
  // No free block lies below first_free or at or above end_free.
  uint32_t first_free = 0;
  uint32_t end_free = 0xffffffff;

  // Who takes blocks from the front; others that join take them from the back.
  ClaimantId owner = 0;
  // Whose current piece this is: the owner and who joined.
  absl::InlinedVector<ClaimantId, 2> workers;
  // Where it stands in the queue's list of pieces with free blocks; -1: nowhere.
  int32_t open_place = -1;

  // Blocks [0, hashed_blocks) have passed the hash, or are passing it now under the token.
  uint32_t hashed_blocks = 0;
  bool hash_token_taken = false;
  Sha1 hasher;

  uint32_t block_count() const { return static_cast<uint32_t>(blocks.size()); }
  // The block is requested of `id`, which takes that place of its holders.
  void SetHolder(uint32_t number, int h, ClaimantId id, uint32_t now_ms, uint32_t expected_ms) {
    BlockInFlight& block = blocks[number];
    block.state = BlockInFlight::State::kRequested;
    block.holders[h] = id;
    times[number].requested_ms[h] = now_ms;
    times[number].expected_ms[h] = expected_ms;
    Include(number);
  }
  // The bounds hold for this block too; after ForgetBounds for none.
  void Include(uint32_t number) {
    const BlockInFlight& block = blocks[number];
    for (int h = 0; h < 2; h++) {
      if (block.holders[h] == 0) continue;
      if (block.holders[1 - h] == 0) latest_expected_ms = std::max(latest_expected_ms, times[number].expected_ms[h]);
      late_after_ms = std::min(late_after_ms, times[number].LateAfterMs(h));
      overdue_after_ms = std::min(overdue_after_ms, times[number].OverdueAfterMs(h));
    }
  }
  void ForgetBounds() {
    latest_expected_ms = 0;
    late_after_ms = overdue_after_ms = 0xffffffff;
  }

  bool drained() const { return on_disk_blocks == accepted_blocks && !hash_token_taken; }
  // The next block for the hash is on disk and nobody is at it.
  bool needs_catch_up() const {
    return !hash_token_taken && !failed && !restart && hashed_blocks < block_count() &&
           blocks[hashed_blocks].state == BlockInFlight::State::kOnDisk;
  }
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PIECE_IN_FLIGHT_H_
