#include "tracker/announce_reply.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/clean_text.h"
#include "base/limits.h"
#include "base/status.h"
#include "torrent/bencode.h"
#include "tracker/reply_rules.h"

namespace torrent {

namespace {

using bencode::Value;

absl::StatusOr<Value> DecodeReply(absl::string_view body) {
  size_t trailing_bytes;  // some trackers end their reply with a new line
  bencode::DecodeOptions options;
  options.max_depth = kMaxTrackerReplyDepth;
  options.max_items = kMaxTrackerReplyItems;
  options.trailing_bytes = &trailing_bytes;
  absl::StatusOr<Value> value = bencode::Decode(body, options);
  if (!value.ok()) return Annotate(value.status(), "the tracker's reply");
  if (!value->is_dictionary()) return absl::InvalidArgumentError("the tracker's reply: not a dictionary");
  return value;
}

// BEP 31: `retry in` is a number of minutes, or the word "never".
absl::optional<std::chrono::seconds> ReadRetryIn(const Value& reply) {
  const Value* retry_in = reply.Find("retry in");
  if (retry_in == nullptr) return absl::nullopt;
  int64_t minutes = 0;
  if (retry_in->is_integer()) {
    minutes = retry_in->integer();
  } else if (!retry_in->is_string()) {
    return absl::nullopt;
  } else if (retry_in->string() == "never") {
    return kNever;
  } else if (!absl::SimpleAtoi(retry_in->string(), &minutes)) {
    return absl::nullopt;
  }
  if (minutes <= 0) return absl::nullopt;
  constexpr int64_t kMost = std::chrono::minutes(kMaxRetryIn).count();
  return std::chrono::minutes(std::min(minutes, kMost));
}

absl::Status CheckForRefusal(const Value& reply) {
  const Value* reason = reply.FindString("failure reason");
  if (reason == nullptr) return absl::OkStatus();
  return TrackerRefusal(absl::StrCat("the tracker refuses: ", CleanText(reason->string(), kMaxTrackerTextBytes)),
                        ReadRetryIn(reply));
}

std::chrono::seconds ReadSeconds(const Value& reply, absl::string_view key, std::chrono::seconds least,
                                 std::chrono::seconds missing) {
  const Value* value = reply.FindInteger(key);
  if (value == nullptr) return missing;
  return BoundedInterval(value->integer(), least);
}

absl::optional<int64_t> ReadCount(const Value& dictionary, absl::string_view key) {
  const Value* value = dictionary.FindInteger(key);
  if (value == nullptr || value->integer() < 0) return absl::nullopt;
  return value->integer();
}

// BEP 3: `ip` (text) and `port`.
absl::optional<Endpoint> ReadPeer(const Value& entry) {
  const Value* ip = entry.FindString("ip");
  const Value* port = entry.FindInteger("port");
  if (ip == nullptr || port == nullptr) return absl::nullopt;
  if (port->integer() <= 0 || port->integer() > std::numeric_limits<uint16_t>::max()) return absl::nullopt;
  absl::optional<Address> address = Address::Parse(ip->string());
  if (!address) return absl::nullopt;
  return Endpoint{*address, static_cast<uint16_t>(port->integer())};
}

}  // namespace

absl::StatusOr<AnnounceReply> ParseAnnounceReply(absl::string_view body) {
  ASSIGN_OR_RETURN(const Value value, DecodeReply(body));
  RETURN_IF_ERROR(CheckForRefusal(value));
  AnnounceReply reply;
  reply.min_interval = ReadSeconds(value, "min interval", std::chrono::seconds(0), std::chrono::seconds(0));
  reply.interval =
      std::max(ReadSeconds(value, "interval", kMinAnnounceInterval, kDefaultAnnounceInterval), reply.min_interval);
  reply.complete = ReadCount(value, "complete");
  reply.incomplete = ReadCount(value, "incomplete");
  if (const Value* warning = value.FindString("warning message")) {
    reply.warning = CleanText(warning->string(), kMaxTrackerTextBytes);
  }
  if (const Value* id = value.FindString("tracker id"); id != nullptr && id->string().size() <= kMaxTrackerIdBytes) {
    reply.tracker_id = std::string(id->string());
  }
  if (const Value* ip = value.FindString("external ip")) reply.external_ip = Address::FromBytes(AsBytes(ip->string()));

  PeerList peers(&reply);
  if (const Value* list = value.FindString("peers")) {
    peers.AddCompact(list->string(), kCompactV4Bytes);
  } else if (const Value* dictionaries = value.FindList("peers")) {
    for (const Value& entry : dictionaries->list()) peers.Add(ReadPeer(entry));
  }
  if (const Value* list = value.FindString("peers6")) peers.AddCompact(list->string(), kCompactV6Bytes);
  return reply;
}

absl::StatusOr<ScrapeReply> ParseScrapeReply(absl::string_view body) {
  ASSIGN_OR_RETURN(const Value value, DecodeReply(body));
  RETURN_IF_ERROR(CheckForRefusal(value));
  ScrapeReply reply;
  const Value* files = value.FindDictionary("files");
  if (files == nullptr) return absl::InvalidArgumentError("the tracker's scrape reply: no dictionary `files`");
  for (const auto& [infohash, counts] : files->dictionary()) {
    if (infohash.size() != Infohash::kSize || !counts.is_dictionary()) continue;
    ScrapeReply::File file;
    file.complete = ReadCount(counts, "complete").value_or(0);
    file.downloaded = ReadCount(counts, "downloaded").value_or(0);
    file.incomplete = ReadCount(counts, "incomplete").value_or(0);
    reply.files.emplace_back(Infohash::FromRaw(infohash), file);
  }
  return reply;
}

}  // namespace torrent
