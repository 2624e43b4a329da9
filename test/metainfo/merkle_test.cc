#include "metainfo/merkle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "base/limits.h"

namespace torrent {
namespace {

std::string Hex(const Sha256Hash& hash) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

std::string PatternBytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(7 * i % 251);
  return bytes;
}

Sha256Hash HashOf(absl::string_view bytes) {
  return Sha256({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

// The root over the 16 KiB blocks of `bytes`.
Sha256Hash BlockRoot(absl::string_view bytes, int height = 0) {
  MerkleTree tree(Sha256Hash{});
  for (size_t i = 0; i < bytes.size(); i += kBlockBytes) tree.Add(HashOf(bytes.substr(i, kBlockBytes)));
  return tree.Root(height);
}

std::string PieceLayer(absl::string_view bytes, uint32_t piece_length) {
  std::string layer;
  for (size_t i = 0; i < bytes.size(); i += piece_length) {
    Sha256Hash node = BlockRoot(bytes.substr(i, piece_length), PieceHeight(piece_length));
    layer.append(reinterpret_cast<const char*>(node.data()), node.size());
  }
  return layer;
}

TEST(MerkleTest, RootsOfKnownFiles) {
  const struct {
    size_t size;
    const char* root;
  } known[] = {
      {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
      {16384, "de211248dff7bc4def1192a5c96710e55692e2672b7ebb7df864c325bacc7e49"},
      {16385, "7e40fa9dda2684d438e1b3d5ce6ecd00317d850c5d652a56e0ca13e6188f2d7e"},
      {65537, "5716d2a52a958bb5d85bced846161075fc648b4e44b60bc17677ff2e391657b9"},
      {100000, "33e2d18ace9db35babb7c73b9d83d7c5b5d7dc18663225ca17ac3d3e9cb6a306"},
      {1000000, "61950d3fe2f4ff8e2f5d68f3283884ea1566ff8a56a45c357fec139caea6a99c"},
  };
  for (const auto& [size, root] : known) EXPECT_EQ(Hex(BlockRoot(PatternBytes(size))), root) << size;
  EXPECT_EQ(Hex(BlockRoot(std::string(65536, '\0'))),
            "60aae9c7b428f87e0713e88229e18f0adf12cd7b22a0dd8a92bb2485eb7af242");
}

TEST(MerkleTest, APieceLayerGivesTheSameRootAsItsBlocks) {
  for (size_t size : {65537u, 100000u, 131072u, 1000000u}) {
    for (uint32_t piece_length : {16384u, 32768u, 65536u}) {
      const std::string layer = PieceLayer(PatternBytes(size), piece_length);
      EXPECT_EQ(layer.size(), (size + piece_length - 1) / piece_length * 32);
      EXPECT_EQ(Hex(RootOfPieceLayer(layer, piece_length)), Hex(BlockRoot(PatternBytes(size)))) << size;
    }
  }
}

TEST(MerkleTest, LayersOfKnownFiles) {
  const std::string layer = PieceLayer(PatternBytes(65537), 65536);
  EXPECT_EQ(absl::BytesToHexString(absl::string_view(layer).substr(32)),
            "b41cf23b0a1b394ca3fb282ef0d021858a91a3c64f7bae09822e80883d138aa1");
  std::string zero_layer;
  for (int i = 0; i < 16; ++i) {
    zero_layer += absl::HexStringToBytes("60aae9c7b428f87e0713e88229e18f0adf12cd7b22a0dd8a92bb2485eb7af242");
  }
  EXPECT_EQ(Hex(RootOfPieceLayer(zero_layer, 65536)),
            "515ea9181744b817744ded9d2e8e9dc6a8450c0b0c52e24b5077f302ffbd9008");
}

TEST(MerkleTest, AChangedHashChangesTheRoot) {
  std::string layer = PieceLayer(PatternBytes(1000000), 65536);
  const Sha256Hash root = RootOfPieceLayer(layer, 65536);
  layer[layer.size() - 1] ^= 1;
  EXPECT_NE(RootOfPieceLayer(layer, 65536), root);
}

TEST(MerkleTest, PieceHeights) {
  EXPECT_EQ(PieceHeight(16384), 0);
  EXPECT_EQ(PieceHeight(32768), 1);
  EXPECT_EQ(PieceHeight(kMaxPieceBytes), 15);
}

}  // namespace
}  // namespace torrent
