// Merkle trees of v2 torrents (BEP 52, "merkle hash trees"): SHA-256, leaves of 16 KiB blocks, filled up to a power of
// two with zero hashes. A *piece layer* is the level of a file's tree whose nodes cover one piece each. Pure. Memory:
// one hash a level, however large the tree.
#ifndef TORRENT_METAINFO_MERKLE_H_
#define TORRENT_METAINFO_MERKLE_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"

namespace torrent {

// The root of a tree whose nodes of one level come from left to right. Thread: its owner's.
class MerkleTree {
 public:
  // `filler` stands for each node of that level which is missing to a power of two: a zero hash among leaves.
  explicit MerkleTree(const Sha256Hash& filler) : filler_(filler) {}

  void Add(const Sha256Hash& node);
  // The root, filled up to 2^`height` nodes at least; needs one node. Afterwards the tree is used up.
  Sha256Hash Root(int height = 0);

 private:
  struct Subtree {
    Sha256Hash root;
    int height;
  };
  void MergeEqualHeights();

  Sha256Hash filler_;
  absl::InlinedVector<Subtree, 4> subtrees_;  // heights fall from front to back
};

// The root of 2^`height` leaves that are all zero hashes: the filler of that level.
Sha256Hash ZeroTreeRoot(int height);

// The number of levels from a piece's node down to its blocks: `piece_length` = 16 KiB * 2^height.
int PieceHeight(uint32_t piece_length);

// The root of a file that has this piece layer: its hashes of 32 bytes, one after the other, at least one.
Sha256Hash RootOfPieceLayer(absl::string_view layer, uint32_t piece_length);

}  // namespace torrent

#endif  // TORRENT_METAINFO_MERKLE_H_
