#include "tracker_server/announce_format.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "torrent/bencode.h"

namespace torrent {

namespace {

const std::string* Find(const QueryArguments& arguments, const char* name) {
  auto position = arguments.find(name);
  return position == arguments.end() ? nullptr : &position->second;
}

absl::StatusOr<absl::string_view> FindTwentyBytes(const QueryArguments& arguments, const char* name) {
  const std::string* value = Find(arguments, name);
  if (value == nullptr) return absl::InvalidArgumentError(absl::StrCat(name, " is missing"));
  if (value->size() != 20) {
    return absl::InvalidArgumentError(absl::StrCat(name, " has ", value->size(), " bytes, not 20"));
  }
  return absl::string_view(*value);
}

}  // namespace

absl::StatusOr<AnnounceQuery> ParseAnnounceQuery(const QueryArguments& arguments, const Address& source) {
  AnnounceQuery query;
  ServedAnnounce& announce = query.announce;
  ASSIGN_OR_RETURN(const absl::string_view infohash, FindTwentyBytes(arguments, "info_hash"));
  announce.infohash = Infohash::FromRaw(infohash);
  ASSIGN_OR_RETURN(const absl::string_view peer_id, FindTwentyBytes(arguments, "peer_id"));
  memcpy(announce.peer_id.data(), peer_id.data(), announce.peer_id.size());

  const std::string* port_text = Find(arguments, "port");
  uint32_t port = 0;
  if (port_text == nullptr) return absl::InvalidArgumentError("port is missing");
  if (!absl::SimpleAtoi(*port_text, &port) || port == 0 || port > std::numeric_limits<uint16_t>::max()) {
    return absl::InvalidArgumentError("port is not in [1, 65536)");
  }
  announce.endpoint = Endpoint{source, static_cast<uint16_t>(port)};

  uint64_t left = 1;  // who does not say is not complete
  const std::string* left_text = Find(arguments, "left");
  if (left_text != nullptr && !absl::SimpleAtoi(*left_text, &left)) {
    return absl::InvalidArgumentError("left is not a number");
  }
  announce.seeder = left == 0;

  if (const std::string* event = Find(arguments, "event")) {
    // Others ("empty" of BEP 3, "paused" of BEP 21) are announces like the regular ones.
    for (TrackerEvent known : {TrackerEvent::kStarted, TrackerEvent::kCompleted, TrackerEvent::kStopped}) {
      if (TrackerEventName(known) == *event) announce.event = known;
    }
  }
  int64_t numwant = -1;  // some clients send that for "as you like"
  const std::string* numwant_text = Find(arguments, "numwant");
  if (numwant_text != nullptr && !absl::SimpleAtoi(*numwant_text, &numwant)) numwant = -1;
  announce.numwant =
      numwant < 0 ? kDefaultServedNumwant : std::min<size_t>(static_cast<size_t>(numwant), kMaxServedNumwant);
  if (const std::string* key = Find(arguments, "key")) announce.key = *key;
  if (const std::string* compact = Find(arguments, "compact")) query.compact = *compact != "0";
  if (const std::string* no_peer_id = Find(arguments, "no_peer_id")) query.peer_ids = *no_peer_id == "0";
  return query;
}

absl::StatusOr<std::vector<Infohash>> ParseScrapeQuery(const QueryArguments& arguments) {
  std::vector<Infohash> infohashes;
  const auto [begin, end] = arguments.equal_range("info_hash");
  for (auto position = begin; position != end; ++position) {
    if (position->second.size() != Infohash::kSize) {
      return absl::InvalidArgumentError(absl::StrCat("info_hash has ", position->second.size(), " bytes, not 20"));
    }
    infohashes.push_back(Infohash::FromRaw(position->second));
  }
  if (infohashes.empty()) return absl::InvalidArgumentError("info_hash is missing");
  if (infohashes.size() > kMaxServedScrapes) {
    return absl::InvalidArgumentError(
        absl::StrCat(infohashes.size(), " info_hash arguments are more than ", kMaxServedScrapes));
  }
  return infohashes;
}

std::string EncodeAnnounceReply(const ServedAnswer& answer, const AnnounceQuery& query, std::chrono::seconds interval) {
  bencode::Encoder encoder;
  encoder.BeginDictionary().Key("complete").Integer(answer.complete);
  encoder.Key("external ip").String(AsText(query.announce.endpoint.address.bytes()));
  encoder.Key("incomplete").Integer(answer.incomplete).Key("interval").Integer(interval.count());
  if (query.compact) {
    std::string v4, v6;
    for (const ServedPeer& peer : answer.peers) {
      peer.endpoint.AppendCompact(peer.endpoint.address.is_v4() ? &v4 : &v6);
    }
    encoder.Key("peers").String(v4);
    if (!v6.empty()) encoder.Key("peers6").String(v6);
  } else {
    encoder.Key("peers").BeginList();
    for (const ServedPeer& peer : answer.peers) {
      encoder.BeginDictionary().Key("ip").String(peer.endpoint.address.ToString());
      if (query.peer_ids) encoder.Key("peer id").String(AsText(peer.peer_id));
      encoder.Key("port").Integer(peer.endpoint.port).End();
    }
    encoder.End();
  }
  return encoder.End().Take();
}

std::string EncodeScrapeReply(absl::Span<const std::pair<Infohash, ScrapeReply::File>> files) {
  std::map<Infohash, ScrapeReply::File> sorted(files.begin(), files.end());
  bencode::Encoder encoder;
  encoder.BeginDictionary().Key("files").BeginDictionary();
  for (const auto& [infohash, counts] : sorted) {
    encoder.Key(infohash.Raw()).BeginDictionary();
    encoder.Key("complete").Integer(counts.complete).Key("downloaded").Integer(counts.downloaded);
    encoder.Key("incomplete").Integer(counts.incomplete).End();
  }
  return encoder.End().End().Take();
}

std::string EncodeFailure(absl::string_view reason) {
  return bencode::Encoder().BeginDictionary().Key("failure reason").String(reason).End().Take();
}

}  // namespace torrent
