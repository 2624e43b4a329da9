#include "metainfo/merkle.h"

#include <cstring>

#include "base/limits.h"

namespace torrent {

namespace {

Sha256Hash Parent(const Sha256Hash& left, const Sha256Hash& right) {
  uint8_t both[2 * sizeof(Sha256Hash)];
  memcpy(both, left.data(), left.size());
  memcpy(both + left.size(), right.data(), right.size());
  return Sha256(both);
}

}  // namespace

void MerkleTree::Add(const Sha256Hash& node) {
  subtrees_.push_back({node, 0});
  MergeEqualHeights();
}

void MerkleTree::MergeEqualHeights() {
  while (subtrees_.size() >= 2) {
    const Subtree& right = subtrees_.back();
    Subtree& left = subtrees_[subtrees_.size() - 2];
    if (left.height != right.height) return;
    left = {Parent(left.root, right.root), left.height + 1};
    subtrees_.pop_back();
  }
}

Sha256Hash MerkleTree::Root(int height) {
  // The last subtree grows by fillers of its own height until it can merge with the one before it.
  Sha256Hash filler = filler_;
  int filler_height = 0;
  while (subtrees_.size() > 1 || subtrees_.back().height < height) {
    Subtree& last = subtrees_.back();
    for (; filler_height < last.height; ++filler_height) filler = Parent(filler, filler);
    last = {Parent(last.root, filler), last.height + 1};
    MergeEqualHeights();
  }
  return subtrees_.back().root;
}

Sha256Hash ZeroTreeRoot(int height) {
  Sha256Hash root{};
  for (int i = 0; i < height; ++i) root = Parent(root, root);
  return root;
}

int PieceHeight(uint32_t piece_length) {
  int height = 0;
  while (kBlockBytes << height < piece_length) ++height;
  return height;
}

Sha256Hash RootOfPieceLayer(absl::string_view layer, uint32_t piece_length) {
  MerkleTree tree(ZeroTreeRoot(PieceHeight(piece_length)));
  for (size_t i = 0; i + sizeof(Sha256Hash) <= layer.size(); i += sizeof(Sha256Hash)) {
    Sha256Hash node;
    memcpy(node.data(), layer.data() + i, node.size());
    tree.Add(node);
  }
  return tree.Root();
}

}  // namespace torrent
