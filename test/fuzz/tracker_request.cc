// Requests to the tracker that we serve: the head, and the arguments of an announce and of a scrape.
#include "absl/strings/str_split.h"
#include "base/limits.h"
#include "net/url.h"
#include "test/fuzz/fuzz_target.h"
#include "tracker_server/announce_format.h"
#include "tracker_server/request_head.h"

namespace torrent::fuzz {

FUZZ_TARGET(tracker_request) {
  const size_t head_bytes = RequestHeadBytes(input);
  FUZZ_CHECK(head_bytes <= input.size());
  const RequestHead head = ParseRequestHead(input.substr(0, head_bytes));
  if (head_bytes == 0 || head.refusal != 0) return;
  for (char c : head.target) FUZZ_CHECK(static_cast<unsigned char>(c) > 0x20 && c != 0x7f);
  QueryArguments arguments;
  for (absl::string_view argument : absl::StrSplit(head.target.substr(head.target.find('?') + 1), '&')) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(argument, absl::MaxSplits('=', 1));
    arguments.emplace(PercentDecode(parts.first), PercentDecode(parts.second));
  }
  const Address source = *Address::Parse("8.8.8.8");
  const absl::StatusOr<AnnounceQuery> announce = ParseAnnounceQuery(arguments, source);
  if (announce.ok()) {
    AnnounceTable table(std::chrono::hours(1), 5);
    const TimePoint now = TimePoint() + std::chrono::hours(1000);
    const absl::StatusOr<ServedAnswer> answer = table.Announce(announce->announce, now);
    if (answer.ok()) EncodeAnnounceReply(*answer, *announce, std::chrono::minutes(30));
  }
  const absl::StatusOr<std::vector<Infohash>> scrape = ParseScrapeQuery(arguments);
  if (scrape.ok()) FUZZ_CHECK(!scrape->empty() && scrape->size() <= kMaxServedScrapes);
}

}  // namespace torrent::fuzz
