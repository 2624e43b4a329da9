// What a connection tells and hears beside pieces: other peers (BEP 11), the node of the DHT (BEP 5), where the peer
// listens and how it sees us (BEP 10). A private torrent (BEP 27) has its tracker alone: there the first two are off.
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "swarm/peer_worker.h"
#include "wire/message.h"
#include "wire/pex_message.h"

namespace torrent {

bool PeerWorker::SpeaksPex() const { return context_->shared.pex && !context_->metainfo->is_private; }

Dht* PeerWorker::dht() const { return context_->metainfo->is_private ? nullptr : context_->shared.dht; }

void PeerWorker::TellDhtPort(const wire::Handshake& theirs) {
  if (dht() != nullptr && theirs.dht && context_->shared.udp_port != 0) {
    wire::EncodePort(context_->shared.udp_port, sender_->out());
  }
}

void PeerWorker::HearDhtPort(uint16_t port) {
  // Each makes our node ask there, so that a peer that names many would have us knock at all of them.
  if (dht() == nullptr || port == 0 || ++dht_ports_ > kMaxDhtPortsOfPeer) return;
  dht()->AddNode(Endpoint{link_->endpoint.address, port}, link_->endpoint.address);
}

void PeerWorker::HearFacts(const wire::ExtensionHandshake& theirs, TimePoint now) {
  // The first word counts: each port would be an address of its own in the book.
  if (theirs.port && link_->incoming && link_->listening_port.load(std::memory_order_relaxed) == 0) {
    link_->listening_port.store(*theirs.port, std::memory_order_relaxed);
    context_->hints.Listens(Endpoint{link_->endpoint.address, *theirs.port});
  }
  if (const absl::optional<Address> own = Address::FromBytes(theirs.your_ip)) {
    context_->hints.Sees(*own, link_->endpoint.address);
  }
  pex_.SetHeard(SpeaksPex() && extension_ids_[wire::Extension::kPex] != 0, now);
  TellOthers();
}

void PeerWorker::TellOthers() {
  if (!SpeaksPex()) return;
  Endpoint endpoint = link_->endpoint;
  if (link_->incoming) endpoint.port = link_->listening_port.load(std::memory_order_relaxed);
  if (endpoint.port == 0) return;
  int flags = link_->incoming ? 0 : wire::kPexReachable;
  if (link_->is_seed.load(std::memory_order_relaxed)) flags |= wire::kPexSeed;
  if (extension_ids_[wire::Extension::kHolepunch] != 0) flags |= wire::kPexHolepunch;
  context_->roster.Set(link_->id, endpoint, static_cast<uint8_t>(flags));
}

void PeerWorker::SayPeers(TimePoint now) {
  const uint8_t id = extension_ids_[wire::Extension::kPex];
  if (id == 0 || now < pex_.NextLook()) return;
  const std::string message = pex_.NextMessage(now);
  if (!message.empty()) wire::EncodeExtended(id, message, sender_->out());
}

absl::Status PeerWorker::HearPeers(absl::string_view payload, TimePoint now) {
  ASSIGN_OR_RETURN(const std::vector<Endpoint> endpoints, pex_.Hear(payload, now));
  if (endpoints.empty()) return absl::OkStatus();
  context_->hints.Tells(endpoints, link_->endpoint.address);
  context_->call(kInbox);
  return absl::OkStatus();
}

}  // namespace torrent
