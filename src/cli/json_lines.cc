#include "cli/json_lines.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "base/utf8.h"
#include "cli/progress_line.h"
#include "torrent/session.h"

namespace torrent {
namespace {

// Keys stay in the order in which they are written here.
using Json = nlohmann::ordered_json;

Json Begin(const char* event) { return {{"v", 1}, {"event", event}}; }
Json Begin(const char* event, TorrentId torrent) {
  Json json = Begin(event);
  json["torrent"] = torrent;
  return json;
}

// `json` with what may not go to a terminal as \u and its number: stdout may be one. The library does so below U+0020
// alone; such characters are in strings only, and mean the same.
std::string EscapeForTerminal(const std::string& json) {
  std::string out;
  absl::string_view rest = json;
  while (!rest.empty()) {
    uint32_t code_point = 0;
    const size_t length = std::max<size_t>(FirstCharacter(rest, &code_point), 1);
    if (MayBeShown(code_point) || rest[0] == '\n') {
      out.append(rest.data(), length);
    } else {
      absl::StrAppend(&out, "\\u", absl::Hex(code_point, absl::kZeroPad4));
    }
    rest.remove_prefix(length);
  }
  return out;
}

// What is not UTF-8 is replaced: the line must be JSON whatever a name holds.
std::string Dump(const Json& json, int indent = -1) {
  return EscapeForTerminal(json.dump(indent, ' ', false, Json::error_handler_t::replace));
}

std::string Text(absl::string_view text) { return std::string(text); }

Json RateOf(double rate) { return std::isfinite(rate) && rate > 0 ? static_cast<uint64_t>(rate) : uint64_t{0}; }

// Of the sources that named or brought anybody.
Json SourcesOf(const TorrentStatus& status) {
  Json json = Json::object();
  for (size_t i = 0; i < kPeerSourceCount; i++) {
    const PeersOfSource& peers = status.peers_by_source[i];
    if (peers.known + peers.connected + peers.ever_connected == 0) continue;
    json[Text(PeerSourceName(static_cast<PeerSource>(i)))] = {
        {"known", peers.known}, {"connected", peers.connected}, {"ever_connected", peers.ever_connected}};
  }
  return json;
}

struct EventLine {
  TorrentId torrent;

  absl::optional<std::string> operator()(const MetadataEvent& e) const {
    Json json = Begin("metadata", torrent);
    json["name"] = e.name;
    json["infohash"] = e.infohash;
    json["bytes"] = e.total_bytes;
    json["pieces"] = e.pieces;
    return Dump(json);
  }
  absl::optional<std::string> operator()(const MetadataProgressEvent& e) const {
    Json json = Begin("metadata_progress", torrent);
    json["done"] = e.done_bytes;
    json["total"] = e.total_bytes > 0 ? Json(e.total_bytes) : Json(nullptr);
    return Dump(json);
  }
  absl::optional<std::string> operator()(const AnnounceEvent& e) const {
    Json json = Begin("tracker", torrent);
    json["tracker"] = e.tracker;
    json["request"] = e.event;
    json["ok"] = e.status.ok();
    json["peers"] = e.peers;
    if (!e.status.ok()) json["message"] = Text(e.status.message());
    if (!e.warning.empty()) json["warning"] = e.warning;
    return Dump(json);
  }
  absl::optional<std::string> operator()(const PeersFoundEvent& e) const {
    Json json = Begin("peers", torrent);
    json["source"] = Text(PeerSourceName(e.source));
    json["new"] = e.added;
    json["known"] = e.known;
    return Dump(json);
  }
  absl::optional<std::string> operator()(const PeerConnectedEvent& e) const {
    Json json = Begin("peer", torrent);
    json["what"] = "connected";
    json["address"] = e.endpoint;
    json["source"] = Text(PeerSourceName(e.source));
    json["incoming"] = e.incoming;
    json["client"] = e.client;
    return Dump(json);
  }
  absl::optional<std::string> operator()(const PeerGoneEvent& e) const {
    Json json = Begin("peer", torrent);
    json["what"] = "gone";
    json["address"] = e.endpoint;
    json["downloaded"] = e.downloaded_bytes;
    json["uploaded"] = e.uploaded_bytes;
    json["banned"] = e.banned;
    json["message"] = Text(e.reason.message());
    return Dump(json);
  }
  absl::optional<std::string> operator()(const PieceEvent& e) const {
    Json json = Begin("piece", torrent);
    json["what"] = e.what == PieceEvent::What::kVerified ? "verified"
                   : e.what == PieceEvent::What::kFailed ? "failed"
                                                         : "written";
    json["piece"] = e.piece_index;
    return Dump(json);
  }
  absl::optional<std::string> operator()(const DiskEvent& e) const {
    Json json = Begin("disk", torrent);
    json["ok"] = e.status.ok();
    if (!e.status.ok()) json["message"] = Text(e.status.message());
    return Dump(json);
  }
  // Told by JsonOfProgress, JsonOfDone and JsonOfError, which know the totals; or for traces only.
  template <typename Other>
  absl::optional<std::string> operator()(const Other&) const {
    return absl::nullopt;
  }
};

}  // namespace

absl::optional<std::string> JsonOfEvent(const Event& event) {
  return absl::visit(EventLine{event.torrent}, event.what);
}

std::string JsonOfProgress(TorrentId torrent, const TorrentStatus& status) {
  Json json = Begin("progress", torrent);
  json["state"] = Text(TorrentStateName(status.state));
  json["done"] = status.done_bytes;
  json["wanted"] = status.wanted_bytes;
  if (status.state == TorrentState::kMetadata) {
    json["metadata"] = status.metadata_bytes;
    json["metadata_total"] = status.metadata_total_bytes > 0 ? Json(status.metadata_total_bytes) : Json(nullptr);
  }
  if (status.state == TorrentState::kChecking) {
    json["checked"] = status.checked_bytes;
    json["to_check"] = status.check_total_bytes;
  }
  json["downloaded"] = status.downloaded_bytes;
  json["uploaded"] = status.uploaded_bytes;
  json["download_rate"] = RateOf(status.download_rate);
  json["upload_rate"] = RateOf(status.upload_rate);
  const absl::optional<double> left = SecondsLeft(status);
  json["eta"] = left ? Json(std::ceil(*left)) : Json(nullptr);
  json["peers"] = status.connected_peers;
  json["seeds"] = status.connected_seeds;
  json["known_peers"] = status.known_peers;
  json["sources"] = SourcesOf(status);
  json["stall"] = status.stall == Stall::kNone ? Json(nullptr) : Json(Text(StallName(status.stall)));
  json["wasted"] = status.wasted_bytes;
  json["corrupt"] = status.corrupt_bytes;
  if (status.state == TorrentState::kWaitingForDisk) json["message"] = Text(status.error.message());
  return Dump(json);
}

std::string JsonOfDone(TorrentId torrent, const TorrentStatus& status) {
  Json json = Begin("done", torrent);
  json["bytes"] = status.wanted_bytes;
  json["seconds"] = std::round(status.seconds * 1000) / 1000;
  json["downloaded"] = status.downloaded_bytes;
  json["uploaded"] = status.uploaded_bytes;
  json["wasted"] = status.wasted_bytes;
  json["corrupt"] = status.corrupt_bytes;
  json["sources"] = SourcesOf(status);
  return Dump(json);
}

std::string JsonOfError(absl::optional<TorrentId> torrent, absl::string_view source, int exit_code,
                        absl::string_view message) {
  Json json = Begin("error");
  if (torrent) {
    json["torrent"] = *torrent;
  } else if (!source.empty()) {
    json["source"] = Text(source);
  }
  json["exit_code"] = exit_code;
  json["message"] = Text(message);
  return Dump(json);
}

std::string JsonOfDht(const DhtStatus& status) {
  Json json = Begin("dht");
  json["id"] = status.id;
  json["nodes"] = status.nodes_v4;
  json["nodes6"] = status.nodes_v6;
  json["good_nodes"] = status.good_nodes;
  json["lookups"] = status.lookups;
  json["lookups_done"] = status.lookups_done;
  json["sent_bytes"] = status.sent_bytes;
  json["received_bytes"] = status.received_bytes;
  json["dropped"] = status.dropped;
  if (!status.external_v4.empty()) json["address"] = status.external_v4;
  if (!status.external_v6.empty()) json["address6"] = status.external_v6;
  return Dump(json);
}

std::string JsonOfDhtPeer(absl::string_view endpoint) {
  Json json = Begin("dht_peer");
  json["address"] = Text(endpoint);
  return Dump(json);
}

std::string JsonOfGap(uint64_t lines) {
  Json json = Begin("gap");
  json["lines"] = lines;
  return Dump(json);
}

std::string JsonOfMetainfo(const Metainfo& metainfo, const std::vector<ScrapeResult>* scrapes) {
  Json json = {{"v", 1}};
  json["name"] = metainfo.name;
  json["infohash"] = metainfo.infohash.Hex();
  json["bytes"] = metainfo.total_length;
  json["piece_length"] = metainfo.piece_length;
  json["pieces"] = metainfo.piece_count;
  json["private"] = metainfo.is_private;
  json["hybrid"] = metainfo.hybrid;
  json["comment"] = metainfo.comment;
  json["created_by"] = metainfo.created_by;
  json["creation_date"] = metainfo.creation_date ? Json(*metainfo.creation_date) : Json(nullptr);
  json["trackers"] = metainfo.trackers;
  json["web_seeds"] = metainfo.web_seeds;
  json["nodes"] = Json::array();
  for (const auto& [host, port] : metainfo.nodes) json["nodes"].push_back({{"host", host}, {"port", port}});
  json["files"] = Json::array();
  for (size_t i = 0; i < metainfo.files.size(); ++i) {
    const MetainfoFile& file = metainfo.files[i];
    Json entry = {{"index", i + 1}, {"path", file.path}, {"length", file.length}};
    if (file.pad) entry["pad"] = true;
    if (file.executable) entry["executable"] = true;
    if (file.symlink) entry["symlink"] = true;
    json["files"].push_back(std::move(entry));
  }
  if (scrapes != nullptr) {
    json["scrapes"] = Json::array();
    for (const ScrapeResult& scrape : *scrapes) {
      Json entry = {{"tracker", scrape.tracker}, {"ok", scrape.status.ok()}};
      if (scrape.status.ok()) {
        entry["seeds"] = scrape.complete;
        entry["leeches"] = scrape.incomplete;
        entry["downloaded"] = scrape.downloaded;
      } else {
        entry["message"] = Text(scrape.status.message());
      }
      json["scrapes"].push_back(std::move(entry));
    }
  }
  return Dump(json, 2);
}

}  // namespace torrent
