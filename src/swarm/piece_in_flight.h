// The record of a piece between its first request and its last byte on disk. It holds no payload: blocks go from the
// socket to the file, and the hash over them is advanced as they pass.
// Thread: under the piece queue's lock, but for `hasher`, which belongs to whoever took the hash token.
#ifndef TORRENT_SWARM_PIECE_IN_FLIGHT_H_
#define TORRENT_SWARM_PIECE_IN_FLIGHT_H_

#include <cstdint>
#include <vector>

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
  uint32_t requested_ms[2] = {0, 0};
  uint32_t expected_ms[2] = {0, 0};

  ClaimantId contributor() const { return holders[0]; }
};

struct PieceInFlight {
  explicit PieceInFlight(uint32_t index, uint32_t block_count) : piece_index(index), blocks(block_count) {
    free_blocks = block_count;
  }

  const uint32_t piece_index;
  std::vector<BlockInFlight> blocks;
  uint32_t free_blocks;
  uint32_t accepted_blocks = 0;  // on disk ones too
  uint32_t on_disk_blocks = 0;
  // No free block lies below first_free or at or above end_free.
  uint32_t first_free = 0;
  uint32_t end_free = 0xffffffff;

  // Blocks [0, hashed_blocks) have passed the hash, or are passing it now under the token.
  uint32_t hashed_blocks = 0;
  bool hash_token_taken = false;
  Sha1 hasher;

  // Whose current piece this is; it takes blocks from the front, and others that join from the back.
  ClaimantId owner = 0;
  // After a failure with several contributors: fetched from one peer alone, which this names once it began.
  bool exclusive = false;
  ClaimantId exclusive_owner = 0;

  bool verified = false;
  // The hash differed, or the exclusive owner left: once every accepted block is on disk, the piece starts again.
  bool failed = false;
  bool restart = false;
  // Where it stands in the queue's list of pieces with free blocks; -1: nowhere.
  int32_t open_place = -1;

  uint32_t block_count() const { return static_cast<uint32_t>(blocks.size()); }
  bool drained() const { return on_disk_blocks == accepted_blocks && !hash_token_taken; }
  // The next block for the hash is on disk and nobody is at it.
  bool needs_catch_up() const {
    return !hash_token_taken && !failed && !restart && hashed_blocks < block_count() &&
           blocks[hashed_blocks].state == BlockInFlight::State::kOnDisk;
  }
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PIECE_IN_FLIGHT_H_
