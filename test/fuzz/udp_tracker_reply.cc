// Datagrams of UDP trackers (BEP 15), of both families.
#include "base/bytes.h"
#include "base/limits.h"
#include "test/fuzz/fuzz_target.h"
#include "tracker/reply_rules.h"
#include "tracker/udp_messages.h"

namespace torrent::fuzz {

FUZZ_TARGET(udp_tracker_reply) {
  const absl::optional<UdpReplyHead> head = ReadUdpReplyHead(input);
  if (!head) return;
  const Infohash infohashes[3] = {};
  switch (head->action) {
    case UdpAction::kConnect:
      ReadUdpConnectionId(head->body);
      break;
    case UdpAction::kAnnounce:
      for (const bool v4 : {true, false}) {
        AnnounceReply reply = ReadUdpAnnounce(head->body, v4);
        SetSource(*Endpoint::Parse(v4 ? "8.8.8.8:80" : "[::1]:80"), &reply);
        FUZZ_CHECK(reply.peers.size() <= kMaxTrackerPeers);
        FUZZ_CHECK(reply.interval >= kMinAnnounceInterval && reply.interval <= kMaxAnnounceInterval);
      }
      break;
    case UdpAction::kScrape:
      FUZZ_CHECK(ReadUdpScrape(head->body, infohashes).files.size() <= 3);
      break;
    case UdpAction::kError:
      TrackerRefusal(head->body, absl::nullopt).IgnoreError();
      break;
  }
}

}  // namespace torrent::fuzz
