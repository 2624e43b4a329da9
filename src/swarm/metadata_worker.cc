#include "swarm/metadata_worker.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "net/connect.h"
#include "net/tcp_stream.h"
#include "swarm/our_handshakes.h"
#include "swarm/peer_handshake.h"
#include "wire/message.h"
#include "wire/metadata_message.h"
#include "wire/peer_id.h"

namespace torrent {

using wire::Extension;
using wire::MetadataMessage;

namespace {
constexpr size_t kEarlyReadBytes = 8 * 1024;
// Reads between two looks at the mailbox: at most two pieces of metadata.
constexpr int kEarlyReadsPerTurn = 4;
}  // namespace

MetadataWorker::MetadataWorker(MetadataContext* context, std::shared_ptr<PeerLink> link)
    : context_(context), link_(std::move(link)), pex_(nullptr, link_->id, link_->endpoint.address) {}

MetadataWorker::~MetadataWorker() {
  context_->assembly.Leave(link_->id);
  context_->registry.Remove(*link_);
}

wire::Handshake MetadataWorker::Greeting() const {
  return OurHandshake(context_->shared, context_->infohash, context_->shared.dht != nullptr);
}

absl::Status MetadataWorker::RunOutgoing(Budget::Slot half_open) {
  const int cancel_fd = link_->mailbox.fd();
  ASSIGN_OR_RETURN(UniqueFd fd, Connect(link_->endpoint, context_->shared.bind, Now() + kConnectTimeout, cancel_fd));
  half_open.Release();
  stream_ = std::make_unique<TcpStream>(std::move(fd), link_->endpoint);
  ASSIGN_OR_RETURN(theirs_, ShakeHandsOutgoing(stream_.get(), Greeting(), Now() + kHandshakeTimeout, cancel_fd));
  return Live();
}

absl::Status MetadataWorker::RunIncoming(std::unique_ptr<Stream> stream, wire::Handshake theirs,
                                         TimePoint handshake_deadline) {
  stream_ = std::move(stream);
  theirs_ = theirs;
  RETURN_IF_ERROR(AnswerHandshake(stream_.get(), Greeting(), &theirs_, handshake_deadline, link_->mailbox.fd()));
  return Live();
}

void MetadataWorker::SayExtensionHandshake() {
  wire::ExtensionHandshake ours = OurExtensionHandshake(context_->shared, link_->endpoint.address);
  ours.ids[static_cast<size_t>(Extension::kMetadata)] = kOurMetadataId;
  // Whether the torrent is private (BEP 27) is not known yet. If it is, what came this way is dropped then.
  if (context_->shared.pex) ours.ids[static_cast<size_t>(Extension::kPex)] = kOurPexId;
  wire::EncodeExtended(wire::kExtensionHandshakeId, wire::EncodeExtensionHandshake(ours), &out_);
}

absl::Status MetadataWorker::Live() {
  RETURN_IF_ERROR(context_->registry.Admit(link_, theirs_.peer_id));
  link_->established.store(true, std::memory_order_release);
  if (context_->events.Wanted(kPeerEvents)) {
    context_->events.Tell(PeerConnectedEvent{link_->endpoint.ToString(), link_->source, link_->incoming,
                                             wire::ClientOfPeerId(theirs_.peer_id)});
  }
  if (!theirs_.extended) return absl::OutOfRangeError("speaks no extensions, so it has no metadata to give");
  early_ = std::make_unique<EarlyMessages>(&context_->early_room, theirs_.fast);
  // BEP 6 wants one of its three as the first message. Without it, silence means that we have nothing.
  if (theirs_.fast) wire::EncodeHaveNone(&out_);
  SayExtensionHandshake();

  TimePoint now = Now();
  last_received_ = last_sent_ = now;
  while (true) {
    if (link_->mailbox.HasMail()) {
      const Mailbox::Mail mail = link_->mailbox.Take();
      if (mail.stop) return mail.stop->ok() ? HandOver() : *mail.stop;
    }
    TimePoint deadline = now + std::chrono::seconds(10);  // idle and keep-alive times are coarser than that
    if (const uint8_t id = extension_ids_[Extension::kMetadata]; id != 0) {
      const MetadataAssembly::Turn turn = context_->assembly.TakeTurn(link_->id, now);
      for (uint32_t piece : turn.requests) wire::EncodeExtended(id, wire::EncodeMetadataRequest(piece), &out_);
      link_->hungry.store(turn.hungry, std::memory_order_relaxed);
      deadline = std::min(deadline, turn.next);
    }
    if (now - last_sent_ >= kKeepAliveEvery && out_.empty()) wire::EncodeKeepAlive(&out_);
    RETURN_IF_ERROR(SendOut(now));
    bool readable = false;
    RETURN_IF_ERROR(Wait(deadline, &readable));
    now = Now();
    if (readable) RETURN_IF_ERROR(ReadIn(now));
    RETURN_IF_ERROR(CheckTimes(now));
  }
}

absl::Status MetadataWorker::HandOver() {
  // Half a message of ours is on its way, or what the peer said could not be kept: it is dialled anew.
  if (!out_.empty() || !early_->complete()) return absl::CancelledError("the metadata is there; connected to anew");
  stream_->Unread(AsBytes(early_->Take()));
  early_.reset();
  return absl::OkStatus();
}

LiveConnection MetadataWorker::Take() {
  LiveConnection live;
  live.stream = std::move(stream_);
  live.theirs = theirs_;
  live.source = link_->source;
  live.incoming = link_->incoming;
  return live;
}

absl::Status MetadataWorker::SendOut(TimePoint now) {
  while (!out_.empty()) {
    IoResult result = stream_->TryWrite(AsBytes(out_));
    if (result.is_error()) return result.status();
    if (!result.has_bytes()) return absl::OkStatus();
    out_.erase(0, result.bytes());
    last_sent_ = now;
  }
  return absl::OkStatus();
}

absl::Status MetadataWorker::Wait(TimePoint deadline, bool* readable) {
  if (stream_->HasBuffered()) {
    *readable = true;
    return absl::OkStatus();
  }
  pollfd fds[2] = {{stream_->fd(), stream_->PollEvents(true, !out_.empty()), 0}, {link_->mailbox.fd(), POLLIN, 0}};
  const int n = poll(fds, 2, PollTimeout(deadline, Now()));
  if (n < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
  *readable = n > 0 && (fds[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
  return absl::OkStatus();
}

absl::Status MetadataWorker::ReadIn(TimePoint now) {
  std::array<uint8_t, kEarlyReadBytes> buffer;
  for (int turn = 0; turn < kEarlyReadsPerTurn; turn++) {
    IoResult result = stream_->TryRead(absl::MakeSpan(buffer));
    if (result.is_error()) return result.status();
    if (result.closed()) return absl::UnavailableError("closed by the peer");
    if (!result.has_bytes()) break;
    last_received_ = now;
    RETURN_IF_ERROR(early_->Feed(absl::MakeConstSpan(buffer.data(), result.bytes()),
                                 [this, now](uint8_t extended_id, absl::string_view payload) {
                                   return HandleExtended(extended_id, payload, now);
                                 }));
    if (result.bytes() < buffer.size()) break;
  }
  return absl::OkStatus();
}

absl::Status MetadataWorker::CheckTimes(TimePoint now) const {
  if (now - last_received_ > kIdleTimeout) {
    return absl::DeadlineExceededError(absl::StrCat("nothing received for ", kIdleTimeout.count(), " s"));
  }
  if (!out_.empty() && now - last_sent_ > kSendTimeout) {
    return absl::DeadlineExceededError(absl::StrCat("reads nothing of what we send for ", kSendTimeout.count(), " s"));
  }
  if (out_.size() > kMaxEarlyOutput) {
    return absl::ResourceExhaustedError(
        absl::StrCat(out_.size(), " bytes wait for a peer that does not read, at most ", kMaxEarlyOutput));
  }
  return absl::OkStatus();
}

absl::Status MetadataWorker::HandleExtended(uint8_t extended_id, absl::string_view payload, TimePoint now) {
  if (extended_id == wire::kExtensionHandshakeId) return HandleExtensionHandshake(payload, now);
  if (extended_id == kOurMetadataId) return HandleMetadata(payload, now);
  if (extended_id == kOurPexId && context_->shared.pex) return HandlePex(payload, now);
  return absl::OkStatus();
}

absl::Status MetadataWorker::HandleExtensionHandshake(absl::string_view payload, TimePoint now) {
  ASSIGN_OR_RETURN(wire::ExtensionHandshake theirs, wire::ParseExtensionHandshake(payload));
  extension_ids_.Update(theirs);
  // The first word counts: each port would be an address of its own in the book.
  if (theirs.port && link_->incoming && link_->listening_port.load(std::memory_order_relaxed) == 0) {
    link_->listening_port.store(*theirs.port, std::memory_order_relaxed);
    context_->hints.Listens(Endpoint{link_->endpoint.address, *theirs.port});
  }
  if (extension_ids_[Extension::kMetadata] == 0) return absl::OutOfRangeError("does not speak ut_metadata");
  return context_->assembly.Join(link_->id, theirs.metadata_size, now);
}

absl::Status MetadataWorker::HandlePex(absl::string_view payload, TimePoint now) {
  ASSIGN_OR_RETURN(const std::vector<Endpoint> endpoints, pex_.Hear(payload, now));
  if (endpoints.empty()) return absl::OkStatus();
  context_->hints.Tells(endpoints, link_->endpoint.address);
  context_->arrived();
  return absl::OkStatus();
}

absl::Status MetadataWorker::HandleMetadata(absl::string_view payload, TimePoint now) {
  ASSIGN_OR_RETURN(MetadataMessage message, wire::ParseMetadataMessage(payload));
  switch (message.type) {
    case MetadataMessage::Type::kRequest:
      if (const uint8_t id = extension_ids_[Extension::kMetadata]; id != 0) {
        wire::EncodeExtended(id, wire::EncodeMetadataReject(message.piece), &out_);
      }
      break;
    case MetadataMessage::Type::kData: {
      link_->downloaded.fetch_add(message.bytes.size(), std::memory_order_relaxed);
      const absl::Status status = context_->assembly.Arrived(link_->id, message, now);
      context_->arrived();
      return status;
    }
    case MetadataMessage::Type::kReject:
      context_->assembly.Rejected(link_->id, message.piece, now);
      break;
    case MetadataMessage::Type::kUnknown:
      break;
  }
  return absl::OkStatus();
}

}  // namespace torrent
