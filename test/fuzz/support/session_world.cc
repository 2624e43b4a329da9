#include "test/fuzz/support/session_world.h"

#include <map>

#include "base/sha1.h"
#include "swarm/peer_handshake.h"
#include "swarm/peer_worker.h"
#include "swarm/piece_hasher.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/fed_stream.h"
#include "test/support/files.h"

namespace torrent::fuzz {

namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

// Looks at every event, as --json would.
class Listener final : public EventListener {
 public:
  Listener() : EventListener(kAllEvents) {}
  void OnEvent(const Event& event) override { seen_ += event.what.index(); }

 private:
  size_t seen_ = 0;
};

BufferPool* Buffers() {
  static auto* pool = new BufferPool(8 << 20, 1 << 20);
  return pool;
}

EventListener* AllEvents() {
  static auto* listener = new Listener;
  return listener;
}

std::unique_ptr<FileStore> OpenStore(const Torrent& torrent, const std::string& folder, FilePool* pool) {
  FileStore::Options options;
  options.output_dir = folder;
  options.pool = pool;
  absl::StatusOr<std::unique_ptr<FileStore>> store = FileStore::Open(torrent.metainfo, options);
  FUZZ_CHECK(store.ok());
  return *std::move(store);
}

}  // namespace

struct SessionWorld::Disk {
  explicit Disk(const Torrent& torrent)
      : layout(*torrent.metainfo), store(OpenStore(torrent, folder.path(), &pool)), zeros(torrent.bytes.size(), '\0') {}

  void Fill(const std::string& bytes) {
    const iovec all = {const_cast<char*>(bytes.data()), bytes.size()};
    FUZZ_CHECK(store->WriteRun(0, {&all, 1}).ok());
  }

  test::TempFolder folder;
  FilePool pool;
  const PieceLayout layout;
  const std::unique_ptr<FileStore> store;
  const std::string zeros;
};

// Destroyed at the end of the process, so that the folder goes away.
SessionWorld::Disk* SessionWorld::DiskOf(const Torrent& torrent) {
  static std::map<const Torrent*, Disk> disks;
  return &disks.try_emplace(&torrent, torrent).first->second;
}

SessionWorld::Reach* SessionWorld::reached() {
  static Reach reach;
  return &reach;
}

SessionWorld::SessionWorld(const Torrent& torrent, uint8_t mode)
    : torrent_(torrent),
      mode_(mode),
      disk_(DiskOf(torrent)),
      download_limit_(0, Now()),
      upload_limit_(0, Now()),
      queue_(torrent.metainfo, &disk_->layout, 5, [this](const PieceQueue::Effects& effects) { CarryOut(effects); }),
      registry_(wire::PeerId{}),
      serving_(disk_->store.get(), &queue_) {
  disk_->Fill((mode & kHasAll) != 0 ? torrent.bytes : disk_->zeros);
  const wire::Bitfield all = wire::Bitfield::AllSet(disk_->layout.piece_count());
  PieceQueue::Effects effects;
  queue_.Begin((mode & kHasAll) != 0 ? all : wire::Bitfield(disk_->layout.piece_count()), all, {}, &effects);
  if ((mode & kUnproven) != 0) serving_.Begin(all);
  shared_.buffers = Buffers();
  shared_.download = &download_limit_;
  shared_.upload = &upload_limit_;
  shared_.dht = &dht_;
  shared_.udp_port = 4711;
  shared_.port = 4712;
  context_.reset(new SwarmContext{shared_, torrent.metainfo, disk_->layout,
                                  Events((mode & kTraced) != 0 ? AllEvents() : nullptr, 0), queue_, registry_,
                                  *disk_->store, writer_, serving_, [](uint32_t) {},
                                  [this](const PieceQueue::Effects& more) { CarryOut(more); }, hints_, roster_});
  context_->disk_waits = (mode & kDiskFull) != 0;
  // Somebody whom peers are told of.
  roster_.Set(1000, *Endpoint::Parse("9.9.9.9:2000"), wire::kPexReachable);
}

SessionWorld::~SessionWorld() {
  Write();
  while (DoUpkeep()) {
  }
  Reach* const reach = reached();
  reach->pieces_received += queue_.NewsCount();
  reach->bytes_sent += context_->uploaded;
  size_t place = 0;
  const wire::Bitfield written = queue_.Written(&place);
  std::string piece;
  for (uint32_t i = 0; i < disk_->layout.piece_count(); i++) {
    if (!written.Test(i)) continue;
    piece.resize(disk_->layout.PieceBytes(i));
    auto out = absl::MakeSpan(reinterpret_cast<uint8_t*>(piece.data()), piece.size());
    FUZZ_CHECK(disk_->store->ReadAt(disk_->layout.PieceOffset(i), out).ok());
    FUZZ_CHECK(Sha1::Of(piece) == torrent_.metainfo->PieceHash(i));
  }
  FUZZ_CHECK(registry_.size() == 0);
}

std::string SessionWorld::HandshakeOf(uint8_t peer) const {
  wire::Handshake handshake;
  handshake.fast = handshake.extended = handshake.dht = true;
  handshake.infohash = torrent_.metainfo->infohash;
  handshake.peer_id.fill(peer);
  return wire::EncodeHandshake(handshake);
}

std::shared_ptr<PeerLink> SessionWorld::AddLink() {
  const Address address = *Address::Parse((mode_ & kLoopback) != 0 ? "127.0.0.1" : "8.8.8.8");
  link_ = *registry_.Add({address, next_port_++}, PeerSource::kIncoming, true);
  unchoked_ = false;
  return link_;
}

void SessionWorld::RunIncoming(std::vector<std::string> portions) {
  const std::shared_ptr<PeerLink> link = AddLink();
  auto stream = std::make_unique<FedStream>(
      link->endpoint, std::move(portions), [this] { LookAround(); }, (mode_ & kSilent) == 0);
  PeerWorker worker(context_.get(), link);
  const TimePoint deadline = Now() + kPatience;
  const absl::StatusOr<wire::Handshake> theirs = ReadHandshakeHead(stream.get(), deadline, link->mailbox.fd());
  if (!theirs.ok() || theirs->infohash != torrent_.metainfo->infohash) return;
  FUZZ_CHECK(!worker.RunIncoming(std::move(stream), *theirs, deadline).ok());
}

void SessionWorld::RunAdopted(LiveConnection live) {
  reached()->adopted++;
  PeerWorker worker(context_.get(), AddLink());
  FUZZ_CHECK(!worker.RunAdopted(std::move(live.stream), live.theirs).ok());
}

void SessionWorld::LookAround() {
  // Nobody posts to a link before its handshakes are through: mail would end them.
  if ((mode_ & kUnchokes) != 0 && !unchoked_ && link_ != nullptr && link_->established) {
    link_->mailbox.PostChoke(false);
    unchoked_ = true;
  }
  if ((mode_ & kLateDisk) == 0) Write();
  while (DoUpkeep()) {
  }
}

void SessionWorld::Write() {
  std::vector<BlockRef> blocks;
  for (const BlockWrite& block : writer_.blocks) {
    std::vector<iovec> parts;
    for (const BlockWrite::Span& span : block.spans) parts.push_back({span.buffer.data() + span.begin, span.length});
    FUZZ_CHECK(disk_->store->WriteRun(block.offset, parts).ok());
    blocks.push_back({block.piece_index, block.block});
  }
  writer_.blocks.clear();
  PieceQueue::Effects effects;
  queue_.OnWritten(blocks, &effects);
  CarryOut(effects);
}

// As the coordinator does it.
bool SessionWorld::DoUpkeep() {
  PieceQueue::Effects effects;
  FileStore* const store = disk_->store.get();
  if (const absl::optional<PieceQueue::CatchUp> turn = queue_.TakeCatchUp()) {
    const uint64_t offset = disk_->layout.PieceOffset(turn->piece_index) + uint64_t{turn->first_block} * kBlockBytes;
    const uint32_t last = turn->first_block + turn->block_count - 1;
    const uint64_t length =
        uint64_t{turn->block_count - 1} * kBlockBytes + disk_->layout.BlockBytes(turn->piece_index, last);
    FUZZ_CHECK(HashRange(store, offset, length, turn->hasher).ok());
    queue_.HashDone({&turn->piece_index, 1}, &effects);
  } else if (const absl::optional<uint32_t> failed = queue_.TakeFailed()) {
    queue_.KeepEvidence(*failed, *HashBlocks(store, *failed), &effects);
  } else if (const absl::optional<uint32_t> good = queue_.TakeVerdict()) {
    reached()->verdicts++;
    queue_.Judge(*good, *HashBlocks(store, *good), &effects);
  } else {
    return false;
  }
  CarryOut(effects);
  return true;
}

void SessionWorld::CarryOut(const PieceQueue::Effects& effects) {
  for (const auto& [claimant, block] : effects.cancels) registry_.PostCancel(claimant, block);
  for (const Endpoint& liar : effects.liars) registry_.StopLiar(liar);
  reached()->liars += effects.liars.size();
}

}  // namespace torrent::fuzz
