// One connection, from the first byte to the last, on one thread that blocks in one place: the life of a peer is Run,
// and the order of the protocol is the order of the code.
//
//   connect ─► handshake ─► what each has ─► loop { send what is due; wait; read and handle what came }
//
// It reads and writes in turn and neither holds the other up: a peer that writes and does not read never stalls our
// reading, and the other way round.
// Thread: its own (outgoing), or the one that accepted the connection (incoming).
// Invariant: whatever way it ends, what it claimed is given back and its link is out of the registry.
#ifndef TORRENT_SWARM_PEER_WORKER_H_
#define TORRENT_SWARM_PEER_WORKER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "base/clock.h"
#include "net/stream.h"
#include "swarm/block_download.h"
#include "swarm/block_upload.h"
#include "swarm/metadata_upload.h"
#include "swarm/peer_link.h"
#include "swarm/pex_exchange.h"
#include "swarm/receiver.h"
#include "swarm/sender.h"
#include "swarm/swarm_context.h"
#include "wire/extension.h"
#include "wire/handshake.h"

namespace torrent {

class PeerWorker {
 public:
  PeerWorker(SwarmContext* context, std::shared_ptr<PeerLink> link);
  ~PeerWorker();

  // Connects and lives until one side ends it; answers why. `half_open` is held until the connection stands.
  absl::Status RunOutgoing(Budget::Slot half_open);
  // The same for a connection that was accepted and whose first 48 bytes were read.
  absl::Status RunIncoming(std::unique_ptr<Stream> stream, wire::Handshake theirs, TimePoint handshake_deadline);
  // The same for one that stands: handshakes and `have none` were said, and what the peer said since then is unread.
  absl::Status RunAdopted(std::unique_ptr<Stream> stream, const wire::Handshake& theirs);

 private:
  wire::Handshake Greeting() const;
  // From both handshakes on.
  absl::Status Live(const wire::Handshake& theirs);
  absl::Status Introduce();
  void SayPieces(const wire::Bitfield& written);
  void SayExtensionHandshake();

  // --- Beside pieces (peer_gossip.cc) ---
  bool SpeaksPex() const;
  Dht* dht() const;  // null: not asked, or not for this torrent
  void TellDhtPort(const wire::Handshake& theirs);
  void HearDhtPort(uint16_t port);
  void HearFacts(const wire::ExtensionHandshake& theirs, TimePoint now);
  // That this peer is here, and what it is, where it can be dialled.
  void TellOthers();
  void SayPeers(TimePoint now);
  absl::Status HearPeers(absl::string_view payload, TimePoint now);

  absl::Status TakeMail(TimePoint now);
  // Appends all that is due: haves, interest, requests, cancels, keep-alive.
  void SayWhatIsDue(TimePoint now);
  void SayNews(TimePoint now);
  void SayInterest();
  absl::Status SendOut(TimePoint now);
  absl::Status Wait(TimePoint now, bool* readable);
  absl::Status ReadIn(TimePoint now);
  absl::Status CheckTimes(TimePoint now);
  void CheckSlot(TimePoint now);
  bool MayRead(TimePoint now);

  absl::Status HandleItem(Receiver::Item item, TimePoint now);
  absl::Status HandleMessage(const wire::Message& message, TimePoint now);
  absl::Status HandleBlockHead(const wire::Message& message, TimePoint now);
  absl::Status HandlePayload(const wire::Message& message, absl::string_view payload, TimePoint now);
  absl::Status HandleExtensionHandshake(absl::string_view payload, TimePoint now);
  absl::Status HandleMetadata(absl::string_view payload);
  absl::Status HandleHave(uint32_t piece_index);
  absl::Status CountToggle(TimePoint now);
  absl::Status OnlyOnce(const char* what);
  void OnPiecesKnown();

  void Trace(bool sent, const wire::Message& message) const;
  void TraceSent(size_t from) const;

  SwarmContext* const context_;
  const std::shared_ptr<PeerLink> link_;
  std::unique_ptr<Stream> stream_;
  wire::MessageRules rules_;
  bool adopted_ = false;

  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<BlockDownload> download_;
  std::unique_ptr<BlockUpload> upload_;
  std::unique_ptr<MetadataUpload> metadata_;

  bool am_interested_ = false;
  bool peer_choking_ = true;
  bool told_pieces_ = false;  // by a bitfield, have all or have none
  bool said_upload_only_ = false;
  bool pieces_changed_ = true;  // what the peer has or what we miss changed: interest is to be looked at again
  std::vector<uint32_t> allowed_fast_;
  size_t news_place_ = 0;  // in the queue's log of written pieces
  wire::ExtensionIds extension_ids_;
  PexExchange pex_;
  int dht_ports_ = 0;

  TimePoint last_received_;
  TimePoint last_sent_;
  TimePoint polled_ = TimePoint::max();  // when Wait began to wait for the peer; max(): it did not
  TimePoint last_payload_;               // of the peer, for the snub
  TimePoint send_blocked_since_ = TimePoint::max();
  TimePoint takes_nothing_since_ = TimePoint::max();  // while unchoked: asks for nothing, or reads nothing
  TimePoint read_resume_ = TimePoint::min();          // the rate limit let nothing pass: not before that
  TimePoint toggle_window_;
  int toggles_ = 0;
  int rejects_in_a_row_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_SWARM_PEER_WORKER_H_
