#include "test/swarm/swarm_room.h"

#include <gtest/gtest.h>
#include <sys/uio.h>

#include "absl/strings/str_cat.h"

namespace torrent {

namespace {

std::unique_ptr<FileStore> OpenStore(const test::TempFolder& folder, const test::Payload& payload, FilePool* pool) {
  FileStore::Options options;
  options.output_dir = folder.path();
  options.pool = pool;
  return *FileStore::Open(payload.metainfo(), options);
}

}  // namespace

SwarmRoom::SwarmRoom(uint32_t pieces, uint32_t blocks, bool complete, int64_t upload_limit, bool is_private)
    : payload_("room", uint64_t{pieces} * blocks * kBlockBytes - 100, blocks * kBlockBytes, is_private),
      layout_(*payload_.metainfo()),
      store_(OpenStore(folder_, payload_, &pool_)),
      download_limit_(0, Now()),
      upload_limit_(upload_limit, Now()),
      queue_(payload_.metainfo(), &layout_, 5, [this](const PieceQueue::Effects& effects) { CarryOut(effects); }),
      registry_(wire::PeerId{}),
      serving_(store_.get(), &queue_) {
  if (complete) payload_.PutFiles(folder_.path());
  const wire::Bitfield all = wire::Bitfield::AllSet(pieces);
  PieceQueue::Effects effects;
  queue_.Begin(complete ? all : wire::Bitfield(pieces), all, {}, &effects);
  shared_.buffers = &buffers_;
  shared_.download = &download_limit_;
  shared_.upload = &upload_limit_;
  context_.reset(new SwarmContext{shared_, payload_.metainfo(), layout_, Events(nullptr, 0), queue_, registry_, *store_,
                                  writer_, serving_, [](uint32_t) {},
                                  [this](const PieceQueue::Effects& more) { CarryOut(more); }, hints_, roster_});
}

std::shared_ptr<PeerLink> SwarmRoom::AddLink() {
  static uint16_t port = 1000;
  return *registry_.Add(*Endpoint::Parse(absl::StrCat("10.0.0.1:", port++)), PeerSource::kTracker, false);
}

void SwarmRoom::CarryOut(const PieceQueue::Effects& effects) {
  cancels.insert(cancels.end(), effects.cancels.begin(), effects.cancels.end());
  liars.insert(liars.end(), effects.liars.begin(), effects.liars.end());
  failed.insert(failed.end(), effects.failed.begin(), effects.failed.end());
  written.insert(written.end(), effects.written.begin(), effects.written.end());
}

void SwarmRoom::Write() {
  std::vector<BlockRef> blocks;
  for (const BlockWrite& block : writer_.blocks) {
    std::vector<iovec> parts;
    for (const BlockWrite::Span& span : block.spans) parts.push_back({span.buffer.data() + span.begin, span.length});
    ASSERT_EQ(store_->WriteRun(block.offset, parts), absl::OkStatus());
    blocks.push_back({block.piece_index, block.block});
  }
  writer_.blocks.clear();
  PieceQueue::Effects effects;
  queue_.OnWritten(blocks, &effects);
  CarryOut(effects);
}

}  // namespace torrent
