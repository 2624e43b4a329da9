#include "tracker/announce.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace torrent {

namespace {

// The name of the payload that carries `retry in` through layers that know a status only.
constexpr absl::string_view kRefusalPayload = "torrent/tracker-refusal";

}  // namespace

absl::string_view TrackerEventName(TrackerEvent event) {
  switch (event) {
    case TrackerEvent::kStarted:
      return "started";
    case TrackerEvent::kCompleted:
      return "completed";
    case TrackerEvent::kStopped:
      return "stopped";
    case TrackerEvent::kNone:
      break;
  }
  return "";
}

absl::Status TrackerRefusal(absl::string_view message, absl::optional<std::chrono::seconds> retry_in) {
  absl::Status status = absl::FailedPreconditionError(message);
  status.SetPayload(kRefusalPayload, absl::Cord(retry_in ? absl::StrCat(retry_in->count()) : ""));
  return status;
}

bool IsTrackerRefusal(const absl::Status& status) { return status.GetPayload(kRefusalPayload).has_value(); }

absl::optional<std::chrono::seconds> RetryIn(const absl::Status& status) {
  absl::optional<absl::Cord> payload = status.GetPayload(kRefusalPayload);
  int64_t seconds;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &seconds)) return absl::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace torrent
