// Peer exchange (BEP 11): messages of one peer, up to the book of addresses. First byte: where the peer stands. Then
// messages: a byte of seconds since the last one, two bytes of length, the payload.
#include "net/address_policy.h"
#include "swarm/peer_book.h"
#include "swarm/pex_exchange.h"
#include "test/fuzz/fuzz_target.h"
#include "test/fuzz/support/reader.h"
#include "wire/pex_message.h"

namespace torrent::fuzz {
namespace {

void CheckPex(absl::string_view payload) {
  const absl::StatusOr<wire::PexMessage> message = wire::ParsePex(payload);
  if (!message.ok()) return;
  FUZZ_CHECK(message->added.size() <= kMaxPexPeers && message->dropped.size() <= kMaxPexPeers);
  const absl::StatusOr<wire::PexMessage> again = wire::ParsePex(wire::EncodePex(*message));
  FUZZ_CHECK(again.ok() && again->added.size() == message->added.size());
  for (size_t i = 0; i < message->added.size(); i++) {
    FUZZ_CHECK(again->added[i].compact == message->added[i].compact &&
               again->added[i].flags == message->added[i].flags);
  }
}

}  // namespace

FUZZ_TARGET(ut_pex) {
  Reader reader(input);
  const char* places[] = {"8.8.8.8", "10.0.0.1", "127.0.0.1", "2001:4860::1"};
  const Address peer = *Address::Parse(places[reader.Byte() % 4]);
  TimePoint now = TimePoint() + std::chrono::hours(1000);
  PexRoster roster;
  PexExchange exchange(&roster, 1, peer);
  PeerBook book(6881, 5);
  exchange.SetHeard(true, now);
  for (uint16_t i = 0; !reader.empty() && i < 500; i++) {
    now += std::chrono::seconds(reader.Byte());
    const absl::string_view payload = reader.Part();
    CheckPex(payload);
    const absl::StatusOr<std::vector<Endpoint>> told = exchange.Hear(payload, now);
    if (!told.ok()) return;
    for (const Endpoint& endpoint : *told) {
      FUZZ_CHECK(MayLeadTo(peer, endpoint, HintKind::kPex));  // hazards 57 and 58
      book.Add(endpoint, PeerSource::kPex, now, peer);
      roster.Set(2 + i, endpoint, 0);
    }
    FUZZ_CHECK(book.size() <= kMaxKnownOfOnePeer);
    FUZZ_CHECK(exchange.NextMessage(now).size() < 4096);
    if (const auto next = book.TakeNext(now)) book.Gone(next->endpoint, PeerBook::Ending::kNeverEstablished, now);
  }
}

}  // namespace torrent::fuzz
