// The session: what several torrents share, made once, and the torrents beside each other.
#include "torrent/session.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/status.h"
#include "session/discovery.h"
#include "session/incoming.h"
#include "session/machine.h"
#include "session/torrent_entry.h"

namespace torrent {

namespace {

// How many ports are looked at from the wanted one on.
constexpr int kPortTries = 20;

class SessionImpl final : public Session {
 public:
  SessionImpl(const SessionOptions& options, EventListener* listener)
      : options_(options),
        plan_(PlanMemory(options.memory_bytes > 0 ? options.memory_bytes : DefaultMemoryBytes())),
        buffers_(plan_.receive_buffers, plan_.kept_buffers),
        download_(options.download_limit, Now()),
        upload_(options.upload_limit, Now()),
        descriptors_(RaiseDescriptorLimit()),
        connections_(std::min({options.max_peers, plan_.max_peers, PeersForDescriptors(descriptors_)})),
        half_open_(kMaxHalfOpen),
        announces_(kMaxAnnouncesInFlight),
        files_(FilesForDescriptors(descriptors_)) {
    resources_.shared.buffers = &buffers_;
    resources_.shared.download = &download_;
    resources_.shared.upload = &upload_;
    resources_.shared.connections = &connections_;
    resources_.shared.half_open = &half_open_;
    resources_.shared.pex = options.pex;
    resources_.shared.peer_id = wire::GeneratePeerId(TORRENT_VERSION);
    resources_.files = &files_;
    resources_.writer_of = [this](uint64_t device) { return WriterOf(device); };
    resources_.announces = &announces_;
    resources_.resolver = &resolver_;
    resources_.listener = listener;
    resources_.tracker_key = static_cast<uint32_t>(SecureRandom64());
    resources_.writer_queue_bytes = plan_.writer_queue;
  }

  ~SessionImpl() override {
    // The torrents end their connections, then the listener's threads have nothing left to serve.
    if (incoming_ != nullptr) incoming_->StopAccepting();
    RequestStop();
    Torrents torrents;
    {
      MutexLock lock(&mutex_);
      torrents.swap(torrents_);
    }
    for (auto& [id, torrent] : torrents) torrent->WaitStopped(TimePoint::max());
    incoming_.reset();
    torrents.clear();
  }

  absl::Status Open() {
    if (!options_.bind.empty()) {
      ASSIGN_OR_RETURN(resources_.shared.bind, BindOptions::Parse(options_.bind));
    }
    ASSIGN_OR_RETURN(StateDir state_dir, StateDir::Open(options_.state_dir));
    state_dir_.emplace(std::move(state_dir));
    resources_.state_dir = &*state_dir_;
    ASSIGN_OR_RETURN(checkpointer_, Checkpointer::Start());
    resources_.checkpointer = checkpointer_.get();
    if (options_.listen) RETURN_IF_ERROR(Listen());
    ASSIGN_OR_RETURN(discovery_, Discovery::Start(options_, resources_.shared.port, resources_.shared.bind, &resolver_,
                                                  *state_dir_));
    resources_.udp_trackers = discovery_->udp_trackers();
    resources_.shared.udp_port = options_.listen ? discovery_->udp_port() : 0;
    return absl::OkStatus();
  }

  absl::Status Listen() {
    absl::StatusOr<Listener> listener = Listener::Open(options_.port, resources_.shared.bind, kPortTries);
    if (!listener.ok()) return absl::UnavailableError(listener.status().message());
    resources_.shared.port = listener->port();
    ASSIGN_OR_RETURN(incoming_, Incoming::Start(*std::move(listener), &connections_,
                                                [this](std::unique_ptr<Stream> stream, const wire::Handshake& theirs,
                                                       TimePoint deadline) {
                                                  std::shared_ptr<TorrentEntry> torrent = Find(theirs.infohash);
                                                  if (torrent != nullptr) {
                                                    torrent->RunIncoming(std::move(stream), theirs, deadline);
                                                  }
                                                }));
    return absl::OkStatus();
  }

  absl::optional<DhtStatus> Dht() override {
    discovery_->Join();
    if (discovery_->dht() == nullptr) return absl::nullopt;
    return discovery_->dht()->Status();
  }

  absl::StatusOr<DhtSearchResult> SearchDht(
      const Infohash& infohash, std::chrono::milliseconds timeout,
      const std::function<void(const std::vector<std::string>&)>& on_peers) override {
    return discovery_->Search(infohash, timeout, on_peers);
  }

  absl::StatusOr<TorrentId> Add(std::shared_ptr<const Metainfo> metainfo, const TorrentOptions& options) override {
    if (!options.wanted.empty() && options.wanted.size() != metainfo->files.size()) {
      return absl::InvalidArgumentError(absl::StrCat("the selection is of ", options.wanted.size(),
                                                     " files, the torrent has ", metainfo->files.size()));
    }
    return Begin(metainfo->infohash, options, [&](TorrentId id) {
      return TorrentEntry::Start(id, metainfo, options, ResourcesOf(metainfo->is_private));
    });
  }

  absl::StatusOr<TorrentId> Add(const Magnet& magnet, const TorrentOptions& options) override {
    return Begin(magnet.infohash, options,
                 [&](TorrentId id) { return TorrentEntry::Start(id, magnet, options, ResourcesOf(false)); });
  }

  std::shared_ptr<const Metainfo> MetainfoOf(TorrentId id) const override { return TorrentOf(id)->metainfo(); }

  TorrentStatus Status(TorrentId id) const override { return TorrentOf(id)->Status(); }

  bool WaitStopped(TorrentId id, std::chrono::milliseconds timeout) override {
    return TorrentOf(id)->WaitStopped(Now() + timeout);
  }

  uint16_t port() const override { return resources_.shared.port; }

  void RequestStop() override {
    // A torrent that has its files just now takes the next step under its own lock.
    MutexLock lock(&mutex_);
    for (auto& [id, torrent] : torrents_) torrent->RequestStop();
  }

  bool Stop(std::chrono::milliseconds timeout) override {
    const TimePoint deadline = Now() + timeout;
    RequestStop();
    Torrents torrents;
    {
      MutexLock lock(&mutex_);
      torrents = torrents_;
    }
    bool stopped = true;
    for (auto& [id, torrent] : torrents) stopped &= torrent->WaitStopped(deadline);
    return stopped;
  }

 private:
  using Torrents = std::map<TorrentId, std::shared_ptr<TorrentEntry>>;
  using Start = absl::FunctionRef<absl::StatusOr<std::shared_ptr<TorrentEntry>>(TorrentId)>;

  absl::StatusOr<TorrentId> Begin(const Infohash& infohash, const TorrentOptions& options, Start start) {
    for (const std::string& peer : options.peers) {
      absl::optional<Endpoint> endpoint = Endpoint::Parse(peer);
      if (!endpoint || endpoint->port == 0) {
        return absl::InvalidArgumentError(absl::StrCat("peer '", peer, "' is not ADDRESS:PORT"));
      }
    }
    if (Find(infohash) != nullptr) {
      return absl::AlreadyExistsError(absl::StrCat("torrent ", infohash.Hex(), " is added already"));
    }
    TorrentId id;
    {
      MutexLock lock(&mutex_);
      id = next_id_++;
    }
    ASSIGN_OR_RETURN(std::shared_ptr<TorrentEntry> torrent, start(id));
    MutexLock lock(&mutex_);
    torrents_[id] = std::move(torrent);
    return id;
  }

  std::shared_ptr<TorrentEntry> TorrentOf(TorrentId id) const {
    MutexLock lock(&mutex_);
    return torrents_.at(id);
  }

  std::shared_ptr<TorrentEntry> Find(const Infohash& infohash) const {
    MutexLock lock(&mutex_);
    for (const auto& [id, torrent] : torrents_) {
      if (torrent->infohash() == infohash) return torrent;
    }
    return nullptr;
  }

  // What a torrent may use; a private one has its trackers alone (BEP 27).
  SwarmResources ResourcesOf(bool is_private) {
    SwarmResources resources = resources_;
    if (is_private) return resources;
    discovery_->Join();
    resources.shared.dht = discovery_->dht();
    resources.lan = discovery_->lan();
    return resources;
  }

  absl::StatusOr<PieceWriter*> WriterOf(uint64_t device) {
    MutexLock lock(&mutex_);
    std::unique_ptr<PieceWriter>& writer = writers_[device];
    if (writer == nullptr) {
      ASSIGN_OR_RETURN(writer, PieceWriter::Start());
    }
    return writer.get();
  }

  const SessionOptions options_;
  const MemoryPlan plan_;
  // In the order of need: what stands below uses what stands above, and goes first.
  BufferPool buffers_;
  RateLimiter download_;
  RateLimiter upload_;
  const uint64_t descriptors_;
  Budget connections_;
  Budget half_open_;
  Budget announces_;
  FilePool files_;
  Resolver resolver_;
  absl::optional<StateDir> state_dir_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::unique_ptr<Discovery> discovery_;
  SwarmResources resources_;

  mutable Mutex mutex_;
  std::map<uint64_t, std::unique_ptr<PieceWriter>> writers_ ABSL_GUARDED_BY(mutex_);
  TorrentId next_id_ ABSL_GUARDED_BY(mutex_) = 0;
  Torrents torrents_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Incoming> incoming_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Start(const SessionOptions& options, EventListener* listener) {
  auto session = std::make_unique<SessionImpl>(options, listener);
  RETURN_IF_ERROR(session->Open());
  return std::unique_ptr<Session>(std::move(session));
}

absl::string_view PeerSourceName(PeerSource source) {
  switch (source) {
    case PeerSource::kTracker:
      return "tracker";
    case PeerSource::kIncoming:
      return "incoming";
    case PeerSource::kUser:
      return "user";
    case PeerSource::kResume:
      return "resume";
    case PeerSource::kDht:
      return "dht";
    case PeerSource::kPex:
      return "pex";
    case PeerSource::kLan:
      return "lan";
  }
  return "";
}

}  // namespace torrent
