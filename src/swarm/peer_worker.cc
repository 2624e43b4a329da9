#include "swarm/peer_worker.h"

#include <poll.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "net/connect.h"
#include "net/tcp_stream.h"
#include "swarm/our_handshakes.h"
#include "swarm/peer_handshake.h"
#include "wire/bitfield.h"
#include "wire/fast_set.h"
#include "wire/message.h"

namespace torrent {

namespace {
using Item = Receiver::Item;
// Who has nothing to claim looks again this often: time makes holders overdue, which no event tells.
constexpr Duration kHungryRetry = std::chrono::milliseconds(250);
// Receives between two looks at the output side.
constexpr int kReceivesPerTurn = 4;
}  // namespace

PeerWorker::PeerWorker(SwarmContext* context, std::shared_ptr<PeerLink> link)
    : context_(context), link_(std::move(link)), pex_(&context->roster, link_->id, link_->endpoint.address) {}

PeerWorker::~PeerWorker() {
  // Before the link leaves the registry: who looks for a claimant finds its link.
  download_.reset();
  context_->roster.Remove(link_->id);
  context_->registry.Remove(*link_);
}

// --- Handshakes ------------------------------------------------------------------------------------------------------

wire::Handshake PeerWorker::Greeting() const {
  return OurHandshake(context_->shared, context_->metainfo->infohash, dht() != nullptr);
}

absl::Status PeerWorker::RunOutgoing(Budget::Slot half_open) {
  const int cancel_fd = link_->mailbox.fd();
  ASSIGN_OR_RETURN(UniqueFd fd, Connect(link_->endpoint, context_->shared.bind, Now() + kConnectTimeout, cancel_fd));
  half_open.Release();
  stream_ = std::make_unique<TcpStream>(std::move(fd), link_->endpoint);
  ASSIGN_OR_RETURN(wire::Handshake theirs,
                   ShakeHandsOutgoing(stream_.get(), Greeting(), Now() + kHandshakeTimeout, cancel_fd));
  return Live(theirs);
}

absl::Status PeerWorker::RunIncoming(std::unique_ptr<Stream> stream, wire::Handshake theirs,
                                     TimePoint handshake_deadline) {
  stream_ = std::move(stream);
  RETURN_IF_ERROR(AnswerHandshake(stream_.get(), Greeting(), &theirs, handshake_deadline, link_->mailbox.fd()));
  return Live(theirs);
}

absl::Status PeerWorker::RunAdopted(std::unique_ptr<Stream> stream, const wire::Handshake& theirs) {
  stream_ = std::move(stream);
  adopted_ = true;
  return Live(theirs);
}

void PeerWorker::SayPieces(const wire::Bitfield& written) {
  // BEP 3: "bitfield is only ever sent as the first message"; BEP 6 has shorter forms of it.
  std::string* out = sender_->out();
  if (rules_.fast && written.all()) {
    wire::EncodeHaveAll(out);
  } else if (rules_.fast && written.none()) {
    wire::EncodeHaveNone(out);
  } else if (!written.none()) {
    wire::EncodeBitfield(written, out);
  }
}

absl::Status PeerWorker::Introduce() {
  const wire::Bitfield written = context_->queue.Written(&news_place_);
  if (!adopted_) {
    SayPieces(written);
  } else if (written.Count() > kMaxAdoptedHaves) {
    return absl::UnavailableError("connected to anew, to tell by a bitfield which pieces we have");
  } else {
    for (uint32_t i = 0; i < context_->layout.piece_count(); i++) {
      if (written.Test(i)) wire::EncodeHave(i, sender_->out());
    }
  }
  if (rules_.extended) SayExtensionHandshake();
  if (rules_.fast && link_->endpoint.address.is_v4()) {
    std::array<uint8_t, 4> address;
    std::copy_n(link_->endpoint.address.bytes().begin(), 4, address.begin());
    upload_->OfferFast(wire::AllowedFastSet(address, context_->metainfo->infohash, context_->layout.piece_count(),
                                            kAllowedFastPieces));
  }
  return absl::OkStatus();
}

void PeerWorker::SayExtensionHandshake() {
  wire::ExtensionHandshake ours = OurExtensionHandshake(context_->shared, link_->endpoint.address);
  if (SpeaksPex()) ours.ids[static_cast<size_t>(wire::Extension::kPex)] = kOurPexId;
  if (metadata_->offered()) {
    ours.ids[static_cast<size_t>(wire::Extension::kMetadata)] = kOurMetadataId;
    ours.metadata_size = metadata_->size();
  }
  said_upload_only_ = context_->queue.Complete();
  if (said_upload_only_) ours.upload_only = true;
  wire::EncodeExtended(wire::kExtensionHandshakeId, wire::EncodeExtensionHandshake(ours), sender_->out());
}

// --- The loop --------------------------------------------------------------------------------------------------------

absl::Status PeerWorker::Live(const wire::Handshake& theirs) {
  RETURN_IF_ERROR(context_->registry.Admit(link_, theirs.peer_id));
  rules_.piece_count = context_->layout.piece_count();
  rules_.fast = theirs.fast;
  rules_.extended = theirs.extended;
  TimePoint now = Now();
  last_received_ = last_sent_ = last_payload_ = toggle_window_ = now;
  receiver_ = std::make_unique<Receiver>(stream_.get(), context_->shared.buffers);
  sender_ = std::make_unique<Sender>(stream_.get(), &context_->files);
  download_ = std::make_unique<BlockDownload>(context_, link_.get(), now);
  upload_ = std::make_unique<BlockUpload>(context_, link_.get(), sender_.get());
  upload_->set_fast(theirs.fast);
  metadata_ = std::make_unique<MetadataUpload>(context_->metainfo.get(), context_->shared.upload, sender_.get());
  link_->established.store(true, std::memory_order_release);
  link_->wants_news.store(true, std::memory_order_relaxed);
  if (!adopted_ && context_->events.Wanted(kPeerEvents)) {
    context_->events.Tell(PeerConnectedEvent{link_->endpoint.ToString(), link_->source, link_->incoming,
                                             wire::ClientOfPeerId(theirs.peer_id)});
  }
  RETURN_IF_ERROR(Introduce());
  TellDhtPort(theirs);
  if (!link_->incoming) TellOthers();

  while (true) {
    RETURN_IF_ERROR(TakeMail(now));
    SayWhatIsDue(now);
    RETURN_IF_ERROR(SendOut(now));
    bool readable = false;
    RETURN_IF_ERROR(Wait(now, &readable));
    now = Now();
    if (download_->asked_any() && polled_ < now) download_->pipeline()->OnWait(now - polled_);
    if (readable) RETURN_IF_ERROR(ReadIn(now));
    RETURN_IF_ERROR(CheckTimes(now));
  }
}

absl::Status PeerWorker::TakeMail(TimePoint now) {
  if (!link_->mailbox.HasMail()) return absl::OkStatus();
  Mailbox::Mail mail = link_->mailbox.Take();
  if (mail.stop) return *mail.stop;
  if (mail.choke) upload_->SetChoking(*mail.choke);
  for (const BlockRef& block : mail.cancels) download_->Cancel(block, now, sender_->out());
  pieces_changed_ = true;
  return absl::OkStatus();
}

void PeerWorker::SayWhatIsDue(TimePoint now) {
  const size_t begin = sender_->out()->size();
  SayNews(now);
  SayInterest();
  if (context_->disk_waits.load(std::memory_order_relaxed)) download_->CancelAll(now, sender_->out());
  download_->Review(now, sender_->out());
  if (am_interested_) download_->Ask(peer_choking_, allowed_fast_, now, sender_->out());
  SayPeers(now);
  link_->hungry.store(download_->hungry(), std::memory_order_relaxed);
  metadata_->Say(extension_ids_[wire::Extension::kMetadata], now);
  if (now - last_sent_ >= kKeepAliveEvery && !sender_->pending()) wire::EncodeKeepAlive(sender_->out());
  if (context_->events.Wanted(kMessageEvents)) TraceSent(begin);
}

void PeerWorker::SayNews(TimePoint) {
  if (context_->queue.NewsCount() == news_place_) return;
  // A peer that has the piece gains nothing from hearing that we have it too.
  std::vector<uint32_t> written;
  download_->claimant()->NewsSince(&news_place_, &written);
  pieces_changed_ = true;
  for (uint32_t piece_index : written) wire::EncodeHave(piece_index, sender_->out());
  // BEP 21: from now on we want nothing; BEP 10 lets a later handshake say so.
  if (rules_.extended && !said_upload_only_ && context_->queue.Complete()) SayExtensionHandshake();
}

void PeerWorker::SayInterest() {
  if (!pieces_changed_) return;
  pieces_changed_ = false;
  const bool interested = !context_->queue.Complete() && download_->claimant()->IsInteresting();
  if (interested == am_interested_) return;
  am_interested_ = interested;
  link_->am_interested.store(interested, std::memory_order_relaxed);
  if (interested) {
    wire::EncodeInterested(sender_->out());
  } else {
    wire::EncodeNotInterested(sender_->out());
  }
}

absl::Status PeerWorker::SendOut(TimePoint now) {
  bool progress = false;
  absl::Status status = upload_->Send(now, &progress);
  if (!status.ok()) {
    // A file that was cut or removed under us: its piece is not there any more, and this connection's stream is broken.
    return status;
  }
  if (progress) last_sent_ = now;
  if (!sender_->pending()) {
    send_blocked_since_ = TimePoint::max();
  } else if (progress || send_blocked_since_ == TimePoint::max()) {
    send_blocked_since_ = now;
  }
  CheckSlot(now);
  return absl::OkStatus();
}

bool PeerWorker::MayRead(TimePoint now) {
  if (now < read_resume_) return false;
  // With a full disk payload is dropped as it comes, so that what else the peer says is heard and it is served on.
  if (context_->disk_waits.load(std::memory_order_relaxed) || context_->writer.HasRoom()) return true;
  link_->waits_for_room.store(true, std::memory_order_seq_cst);
  // Asked again after telling that we wait: the writer may have made room in between, and then nobody would wake us.
  return context_->writer.HasRoom();
}

absl::Status PeerWorker::Wait(TimePoint now, bool* readable) {
  const bool may_read = MayRead(now);
  polled_ = TimePoint::max();
  if (may_read && stream_->HasBuffered()) {
    *readable = true;
    return absl::OkStatus();
  }
  TimePoint deadline = now + std::chrono::seconds(10);  // idle and keep-alive times are coarser than that
  deadline =
      std::min({deadline, download_->ReviewAt(), upload_->ResumeAt(), pex_.NextLook(), metadata_->ResumeAt(now)});
  if (am_interested_ && download_->hungry() && !peer_choking_) deadline = std::min(deadline, now + kHungryRetry);
  if (read_resume_ > now) deadline = std::min(deadline, read_resume_);
  if (takes_nothing_since_ != TimePoint::max() && !link_->idle.load(std::memory_order_relaxed)) {
    deadline = std::min(deadline, takes_nothing_since_ + kIdleSlotTime);
  }
  if (!download_->asked_any()) receiver_->Rest();
  pollfd fds[2] = {{stream_->fd(), stream_->PollEvents(may_read, upload_->wants_to_write()), 0},
                   {link_->mailbox.fd(), POLLIN, 0}};
  const TimePoint begin = Now();
  if (may_read) polled_ = begin;
  int n = poll(fds, 2, PollTimeout(deadline, begin));
  if (n < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
  if (n <= 0) return absl::OkStatus();
  // A stream that ended shows as readable or as an error: reading tells which. Where we do not read, a hang-up must not
  // make us spin.
  if ((fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 && !may_read) {
    return absl::UnavailableError("closed by the peer");
  }
  *readable = may_read && (fds[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
  return absl::OkStatus();
}

absl::Status PeerWorker::ReadIn(TimePoint now) {
  // Buffers by the speed of the peer: a slow one does not hold a large one.
  const double rate = download_->pipeline()->pace().bytes_per_second;
  const int size_class = rate < 128e3 ? 0 : rate < 16e6 ? 1 : BufferPool::kClassCount - 1;
  for (int turn = 0; turn < kReceivesPerTurn; turn++) {
    constexpr size_t kWant = 256 * 1024;
    const size_t granted = context_->shared.download->Take(kWant, now);
    if (granted == 0) {
      read_resume_ = context_->shared.download->Ready(now);
      break;
    }
    IoResult result = receiver_->Receive(granted, size_class);
    context_->shared.download->Return(granted - result.bytes());
    if (result.is_error()) return result.status();
    if (result.closed()) return absl::UnavailableError("closed by the peer");
    if (!result.has_bytes()) break;
    last_received_ = now;
    for (Item item = receiver_->Next(rules_); item != Item::kNothing; item = receiver_->Next(rules_)) {
      absl::Status status = HandleItem(item, now);
      if (!status.ok()) {
        download_->Flush(now);  // what came whole before counts
        return status;
      }
    }
    download_->Flush(now);
    // Mail first: a proven liar's next blocks are not taken.
    if (receiver_->drained() || link_->mailbox.HasMail() || !MayRead(now)) break;
  }
  return absl::OkStatus();
}

absl::Status PeerWorker::CheckTimes(TimePoint now) {
  if (now - last_received_ > kIdleTimeout) {
    return absl::DeadlineExceededError(absl::StrCat("nothing received for ", kIdleTimeout.count(), " s"));
  }
  if (send_blocked_since_ != TimePoint::max() && now - send_blocked_since_ > kSendTimeout) {
    return absl::DeadlineExceededError(absl::StrCat("reads nothing of what we send for ", kSendTimeout.count(), " s"));
  }
  if (sender_->pending_bytes() > kMaxPendingOutput) {
    return absl::ResourceExhaustedError(absl::StrCat(
        sender_->pending_bytes(), " bytes wait for a peer that does not read, at most ", kMaxPendingOutput));
  }
  if (context_->queue.Complete() && link_->is_seed.load(std::memory_order_relaxed)) {
    return absl::OutOfRangeError("both are complete");
  }
  const bool waits = am_interested_ && !peer_choking_ && download_->asked_any();
  if (!waits) last_payload_ = now;
  link_->snubbed.store(now - last_payload_ > kSnubTime, std::memory_order_relaxed);
  return absl::OkStatus();
}

// Whether the peer makes use of its being unchoked. One that waits for our own limit does.
void PeerWorker::CheckSlot(TimePoint now) {
  const bool interested = link_->peer_interested.load(std::memory_order_relaxed);
  if (upload_->choking() || !interested || (upload_->has_requests() && send_blocked_since_ == TimePoint::max())) {
    takes_nothing_since_ = TimePoint::max();
  } else if (takes_nothing_since_ == TimePoint::max()) {
    takes_nothing_since_ = upload_->has_requests() ? send_blocked_since_ : now;
  }
  const bool idle = takes_nothing_since_ != TimePoint::max() && now - takes_nothing_since_ >= kIdleSlotTime;
  if (link_->idle.exchange(idle, std::memory_order_relaxed) == idle) return;
  if (idle) context_->call(kInterestChanged);  // somebody may wait for the slot
}

// --- Trace -----------------------------------------------------------------------------------------------------------

void PeerWorker::Trace(bool sent, const wire::Message& message) const {
  context_->events.Tell(MessageEvent{link_->endpoint.ToString(), sent, wire::Describe(message)});
}

// What was appended to the output since `from`: read back by the same parser that reads peers.
void PeerWorker::TraceSent(size_t from) const {
  absl::Span<const uint8_t> bytes = AsBytes(absl::string_view(*sender_->out()).substr(from));
  wire::MessageRules rules = rules_;
  rules.max_block_bytes = kMaxServedRequestBytes;
  while (!bytes.empty()) {
    wire::Message message = wire::PeekMessage(bytes, rules);
    if (message.form == wire::MessageForm::kIncomplete || message.form == wire::MessageForm::kError) return;
    Trace(true, message);
    bytes.remove_prefix(std::min<size_t>(bytes.size(), size_t{message.head_bytes} + message.payload_bytes));
  }
}

}  // namespace torrent
