#include "swarm/metadata_assembly.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/sha1.h"

namespace torrent {

namespace {
// Requests that were given up and may still be answered.
constexpr size_t kMaxGivenUp = 64;
}  // namespace

// One attempt at the whole.
struct MetadataAssembly::Copy {
  uint32_t size = 0;
  bool has_room = false;
  bool hashing = false;  // its pieces are with whom hashes them
  TimePoint begun;
  int evictions = 0;
  std::vector<std::string> pieces;  // empty: not there
  size_t arrived = 0;
  uint32_t bytes = 0;
  std::vector<PeerKey> contributors;
  absl::flat_hash_map<uint32_t, Peer*> asked;  // who is to bring a piece

  bool Has(uint32_t piece) const { return piece < pieces.size() && !pieces[piece].empty(); }
  TimePoint RoomUntil() const { return begun + kMetadataRoomTime * (1 << std::min(evictions, 10)); }
};

struct MetadataAssembly::Size {
  uint32_t claimants = 0;
  bool spoiled = false;  // several peers made a wrong whole: each is asked alone now
  Copy shared;
};

struct MetadataAssembly::Peer {
  PeerKey key = 0;
  Size* size = nullptr;  // as it claims; null: it claims none
  Copy alone;
  std::vector<uint32_t> asked;     // and not answered
  std::vector<uint32_t> given_up;  // asked, and somebody else may be asked meanwhile; the oldest first
  TimePoint silent_since;          // since then it could have answered
  TimePoint not_before = TimePoint::min();
  size_t answered = 0;
  int unasked = 0;

  TimePoint OverdueAt() const { return asked.empty() ? TimePoint::max() : silent_since + kMetadataPatience; }
  // One at first: a line that is slow or dead is not given four to lose.
  size_t Depth() const { return std::min(kMaxMetadataRequests, 1 + answered); }
};

MetadataAssembly::MetadataAssembly(const Infohash& infohash, std::function<void()> work_returned)
    : infohash_(infohash), work_returned_(std::move(work_returned)) {}
MetadataAssembly::~MetadataAssembly() = default;

// --- Who is there, and with which claim ------------------------------------------------------------------------------

MetadataAssembly::Size* MetadataAssembly::AddClaimLocked(Peer* peer, uint32_t bytes) {
  Size* size = &sizes_[bytes];
  size->shared.size = peer->alone.size = bytes;
  size->claimants++;
  peer->size = size;
  return size;
}

MetadataAssembly::Copy* MetadataAssembly::CopyOfLocked(Peer* peer) {
  return peer->size->spoiled ? &peer->alone : &peer->size->shared;
}

absl::Status MetadataAssembly::Join(PeerKey key, absl::optional<uint32_t> bytes, TimePoint now) {
  MutexLock lock(&mutex_);
  Peer& peer = peers_[key];
  peer.key = key;
  if (!bytes) return absl::OkStatus();
  if (peer.size == nullptr) {
    AddClaimLocked(&peer, *bytes);
    peer.not_before = now;  // it has it now, whatever it answered before
  } else if (peer.alone.size != *bytes) {
    return absl::InvalidArgumentError(absl::StrCat("metadata_size ", *bytes, " after it was ", peer.alone.size));
  }
  return absl::OkStatus();
}

void MetadataAssembly::Leave(PeerKey key) {
  {
    MutexLock lock(&mutex_);
    auto found = peers_.find(key);
    if (found == peers_.end()) return;
    Peer* peer = &found->second;
    GiveUpRequestsLocked(peer);
    if (Size* size = peer->size; size != nullptr) {
      DropLocked(&peer->alone);
      size->claimants--;
      if (size->shared.arrived == 0) DropLocked(&size->shared);
    }
    peers_.erase(found);
    // A copy that nobody works on stays as long as there is room: its peers may come again.
    for (auto it = sizes_.begin(); it != sizes_.end();) {
      const Size& size = it->second;
      it = size.claimants == 0 && !size.shared.has_room ? sizes_.erase(it) : std::next(it);
    }
  }
  work_returned_();
}

void MetadataAssembly::GiveUpRequestsLocked(Peer* peer) {
  if (peer->size != nullptr) {
    Copy* copy = CopyOfLocked(peer);
    for (uint32_t piece : peer->asked) {
      auto asked = copy->asked.find(piece);
      if (asked != copy->asked.end() && asked->second == peer) copy->asked.erase(asked);
    }
  }
  peer->given_up.insert(peer->given_up.end(), peer->asked.begin(), peer->asked.end());
  peer->asked.clear();
  if (peer->given_up.size() > kMaxGivenUp) {
    peer->given_up.erase(peer->given_up.begin(), peer->given_up.end() - static_cast<ptrdiff_t>(kMaxGivenUp));
  }
}

// --- Room ------------------------------------------------------------------------------------------------------------

void MetadataAssembly::DropLocked(Copy* copy) {
  if (copy->has_room) {
    begun_.erase(std::find(begun_.begin(), begun_.end(), copy));
    reserved_ -= copy->size;
  }
  copy->has_room = false;
  copy->pieces = {};
  copy->arrived = 0;
  copy->bytes = 0;
  copy->contributors = {};
  copy->asked = {};
}

bool MetadataAssembly::BeginLocked(Copy* copy, TimePoint now, TimePoint* next) {
  while (reserved_ + copy->size > kMaxPeerMetadataBytes) {
    // A larger one gives way at once, so that huge sizes which liars make up cost nothing; any when it had its time.
    // Who lost its room so comes back by waiting only: it would push out the larger ones for ever.
    Copy* victim = nullptr;
    for (Copy* other : begun_) {
      if (other->hashing) continue;
      const bool at_once = other->size > copy->size && copy->evictions == 0;
      if (!at_once && other->RoomUntil() > now) {
        *next = std::min(*next, other->RoomUntil());
        continue;
      }
      if (victim == nullptr || other->size > victim->size ||
          (other->size == victim->size && other->begun < victim->begun)) {
        victim = other;
      }
    }
    if (victim == nullptr) return false;
    if (victim->RoomUntil() <= now) victim->evictions++;
    DropLocked(victim);
  }
  reserved_ += copy->size;
  begun_.push_back(copy);
  copy->has_room = true;
  copy->begun = now;
  copy->pieces.resize(wire::MetadataPieceCount(copy->size));
  return true;
}

// --- Asking ----------------------------------------------------------------------------------------------------------

MetadataAssembly::Turn MetadataAssembly::TakeTurn(PeerKey key, TimePoint now) {
  Turn turn;
  MutexLock lock(&mutex_);
  auto found = peers_.find(key);
  if (found == peers_.end() || complete()) return turn;
  Peer* peer = &found->second;
  if (peer->OverdueAt() <= now) {
    GiveUpRequestsLocked(peer);
    peer->not_before = now + kMetadataRetry;
  }
  if (peer->not_before > now) {
    turn.next = peer->not_before;
    return turn;
  }
  if (peer->size == nullptr) {
    // It does not say that it has the metadata: asking tells, and an answer tells the size.
    if (peer->asked.empty()) {
      peer->asked.push_back(0);
      peer->silent_since = now;
      turn.requests.push_back(0);
    }
    turn.next = peer->OverdueAt();
    return turn;
  }
  Copy* copy = CopyOfLocked(peer);
  turn.hungry = true;
  if (copy->hashing || (!copy->has_room && !BeginLocked(copy, now, &turn.next))) return turn;
  for (uint32_t piece = 0; piece < copy->pieces.size() && peer->asked.size() < peer->Depth(); piece++) {
    if (copy->Has(piece)) continue;
    if (auto asked = copy->asked.find(piece); asked != copy->asked.end()) {
      Peer* other = asked->second;
      if (other->OverdueAt() > now) {
        if (other != peer) turn.next = std::min(turn.next, other->OverdueAt());
        continue;
      }
      GiveUpRequestsLocked(other);
      other->not_before = now + kMetadataRetry;
    }
    copy->asked[piece] = peer;
    if (peer->asked.empty()) peer->silent_since = now;
    peer->asked.push_back(piece);
    turn.requests.push_back(piece);
  }
  turn.next = std::min(turn.next, peer->OverdueAt());
  turn.hungry = peer->asked.size() < peer->Depth();
  return turn;
}

void MetadataAssembly::Rejected(PeerKey key, uint32_t piece, TimePoint now) {
  {
    MutexLock lock(&mutex_);
    auto found = peers_.find(key);
    if (found == peers_.end()) return;
    Peer* peer = &found->second;
    if (std::find(peer->asked.begin(), peer->asked.end(), piece) == peer->asked.end()) return;
    // All of them: who rejects one mostly rejects the others too, and if not, its answers count.
    GiveUpRequestsLocked(peer);
    peer->not_before = now + kMetadataRetry;
  }
  work_returned_();
}

// --- Arriving --------------------------------------------------------------------------------------------------------

absl::Status MetadataAssembly::Arrived(PeerKey key, const wire::MetadataMessage& data, TimePoint now) {
  std::vector<std::string> pieces;
  Peer* peer;  // in peers_ until its own worker says Leave
  Copy* copy;
  {
    MutexLock lock(&mutex_);
    auto found = peers_.find(key);
    if (found == peers_.end() || complete()) return absl::OkStatus();
    peer = &found->second;
    const auto take = [&data](std::vector<uint32_t>* asked) {
      auto it = std::find(asked->begin(), asked->end(), data.piece);
      if (it == asked->end()) return false;
      asked->erase(it);
      return true;
    };
    if (!take(&peer->asked)) {
      if (!take(&peer->given_up)) {
        if (++peer->unasked <= kMaxUnaskedBlocks) return absl::OkStatus();
        return absl::InvalidArgumentError(absl::StrCat("sent ", peer->unasked, " pieces of metadata unasked"));
      }
      peer->not_before = now;  // slow, not silent
    }
    peer->silent_since = now;
    peer->answered++;
    if (peer->size == nullptr) AddClaimLocked(peer, data.total_size);
    if (peer->alone.size != data.total_size) {
      return absl::InvalidArgumentError(
          absl::StrCat("metadata of ", data.total_size, " bytes after it was ", peer->alone.size));
    }
    copy = CopyOfLocked(peer);
    if (auto asked = copy->asked.find(data.piece); asked != copy->asked.end() && asked->second == peer) {
      copy->asked.erase(asked);
    }
    TimePoint next = TimePoint::max();
    if (copy->hashing || copy->Has(data.piece)) return absl::OkStatus();
    if (!copy->has_room && !BeginLocked(copy, now, &next)) return absl::OkStatus();
    copy->pieces[data.piece] = std::string(data.bytes);
    copy->arrived++;
    copy->bytes += static_cast<uint32_t>(data.bytes.size());
    if (std::find(copy->contributors.begin(), copy->contributors.end(), key) == copy->contributors.end()) {
      copy->contributors.push_back(key);
    }
    if (copy->arrived < copy->pieces.size()) return absl::OkStatus();
    copy->hashing = true;
    pieces.swap(copy->pieces);
  }
  Sha1 hasher;
  for (const std::string& piece : pieces) {
    hasher.Update({reinterpret_cast<const uint8_t*>(piece.data()), piece.size()});
  }
  const bool good = hasher.Finish() == infohash_;
  std::string whole;
  if (good) {
    whole.reserve(data.total_size);
    for (std::string& piece : pieces) {
      whole += piece;
      piece = std::string();
    }
  }
  absl::Status verdict;
  {
    MutexLock lock(&mutex_);
    if (complete()) return absl::OkStatus();
    verdict = JudgeLocked(peer, copy, good);
    if (good) {
      whole_ = std::move(whole);
      complete_bytes_ = data.total_size;
      complete_.store(true, std::memory_order_release);
      while (!begun_.empty()) DropLocked(begun_.back());
    }
  }
  work_returned_();
  return verdict;
}

absl::Status MetadataAssembly::JudgeLocked(Peer* peer, Copy* copy, bool good) {
  copy->hashing = false;
  const size_t contributors = copy->contributors.size();
  DropLocked(copy);
  if (good) return absl::OkStatus();
  if (contributors == 1) return absl::DataLossError("sent metadata whose SHA-1 is not the infohash");
  peer->size->spoiled = true;
  return absl::OkStatus();
}

std::string MetadataAssembly::Take() {
  MutexLock lock(&mutex_);
  return std::exchange(whole_, std::string());
}

MetadataAssembly::Progress MetadataAssembly::progress() const {
  MutexLock lock(&mutex_);
  if (complete()) return {complete_bytes_, complete_bytes_};
  Progress best;
  uint32_t most = 0;
  for (const auto& [bytes, size] : sizes_) {
    if (size.claimants <= most) continue;
    most = size.claimants;
    best.total_bytes = bytes;
  }
  for (const Copy* copy : begun_) {
    if (copy->bytes >= best.done_bytes && copy->bytes > 0) best = {copy->bytes, copy->size};
  }
  return best;
}

size_t MetadataAssembly::held_bytes() const {
  MutexLock lock(&mutex_);
  size_t bytes = 0;
  for (const Copy* copy : begun_) bytes += copy->bytes;
  return bytes;
}

}  // namespace torrent
