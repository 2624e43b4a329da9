#include "test/support/hostile_peers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"

namespace torrent::test {

std::vector<HostilePeer> HostilePeers(const Payload& payload) {
  std::vector<HostilePeer> all;
  for (auto* some : {HostileGreeters, HostileTalkers, HostileFloods, HostileGivers, HostileExtenders}) {
    for (HostilePeer& peer : some(payload)) {
      // No two under one peer id: that is a fault of its own.
      if (peer.manner.name == "honest") peer.manner.name = peer.name;
      all.push_back(std::move(peer));
    }
  }
  return all;
}

namespace hostile {

std::string MessageOf(uint32_t length_prefix, uint8_t id, absl::string_view rest) {
  std::string bytes;
  AppendBE32(&bytes, length_prefix);
  bytes.push_back(static_cast<char>(id));
  return absl::StrCat(bytes, rest);
}

std::string Times(size_t count, const std::string& bytes) {
  std::string all;
  all.reserve(count * bytes.size());
  for (size_t i = 0; i < count; i++) all += bytes;
  return all;
}

std::string Block(uint32_t piece_index, uint32_t begin, const std::string& bytes) {
  return Bytes(wire::EncodePieceHeader, piece_index, begin, static_cast<uint32_t>(bytes.size())) + bytes;
}

Manner BeginsWith(const std::string& bytes, bool fast) {
  Manner manner;
  manner.fast = fast;
  manner.introduce = [bytes](Line& line) {
    if (!line.Send(bytes)) return false;
    line.Delivered();
    return true;
  };
  return manner;
}

Manner Says(const std::string& bytes, bool fast) {
  Manner manner;
  manner.fast = fast;
  manner.introduce = [bytes](Line& line) {
    if (!line.SayPieces() || !line.Send(bytes)) return false;
    line.Delivered();
    return true;
  };
  return manner;
}

Manner SaysExtended(const std::string& bytes) {
  Manner manner = Says(bytes);
  manner.extended = true;
  return manner;
}

Manner Pours(const std::string& bytes, bool fast, bool extended, bool reads) {
  constexpr size_t kChunkBytes = 16 * 1024;
  constexpr Duration kEvery = std::chrono::milliseconds(10);
  const std::string chunk = Times(std::max<size_t>(1, kChunkBytes / bytes.size()), bytes);
  const Duration every = kEvery * std::max<size_t>(1, chunk.size() / kChunkBytes);
  Manner manner;
  manner.fast = fast;
  manner.extended = extended;
  manner.introduce = [chunk, every, reads](Line& line) {
    if (!line.SayPieces() || !line.Send(Bytes(wire::EncodeInterested))) return false;
    while (line.Send(chunk)) {
      line.Delivered();
      if (reads ? line.peer().WaitClosed(every) : !line.Pause(every)) break;
    }
    return false;
  };
  return manner;
}

Manner Answers(std::function<bool(Line&, const wire::Message&)> answer, bool fast) {
  Manner manner;
  manner.fast = fast;
  manner.answer = std::move(answer);
  return manner;
}

}  // namespace hostile

}  // namespace torrent::test
