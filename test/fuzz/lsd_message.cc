// Datagrams of local discovery (BEP 14).
#include "lan/lsd_message.h"

#include "base/limits.h"
#include "test/fuzz/fuzz_target.h"

namespace torrent::fuzz {

FUZZ_TARGET(lsd_message) {
  const absl::optional<LsdMessage> message = ReadLsdMessage(input);
  if (!message) return;
  FUZZ_CHECK(message->port != 0 && !message->infohashes.empty());
  LsdMessage ours = *message;
  ours.cookie = "cookie";
  const absl::optional<LsdMessage> again = ReadLsdMessage(WriteLsdMessage("239.192.152.143:6771", ours));
  FUZZ_CHECK(again && again->port == message->port && again->cookie == "cookie");
}

}  // namespace torrent::fuzz
