#include "torrent/magnet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "base/clean_text.h"
#include "base/host_port.h"
#include "base/limits.h"
#include "base/status.h"
#include "metainfo/top_fields.h"

namespace torrent {

namespace {

constexpr absl::string_view kScheme = "magnet:";
constexpr size_t kMaxNameBytes = 255;
constexpr size_t kMaxHostBytes = 253;  // RFC 1035, 2.3.4

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "%41b" -> "Ab". Nothing when a '%' is not followed by two hex digits.
absl::optional<std::string> Unescape(absl::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return absl::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return absl::nullopt;
    result.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return result;
}

// Everything but the unreserved characters of RFC 3986, 2.3.
std::string Escape(absl::string_view text) {
  std::string result;
  for (char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-._~", c)) {
      result.push_back(c);
    } else {
      absl::StrAppend(&result, "%", absl::BytesToHexString(absl::string_view(&c, 1)));
    }
  }
  return result;
}

// The 20 bytes of 32 characters of base32 (RFC 4648, 6), of either case.
absl::optional<Infohash> FromBase32(absl::string_view text) {
  if (text.size() != 32) return absl::nullopt;
  std::string raw;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    uint32_t value;
    const char upper = absl::ascii_toupper(static_cast<unsigned char>(c));
    if (upper >= 'A' && upper <= 'Z') {
      value = static_cast<uint32_t>(upper - 'A');
    } else if (upper >= '2' && upper <= '7') {
      value = static_cast<uint32_t>(upper - '2' + 26);
    } else {
      return absl::nullopt;
    }
    bits = (bits << 5 | value) & 0xfff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    raw.push_back(static_cast<char>(bits >> count & 0xff));
  }
  return Infohash::FromRaw(raw);
}

// "1.2.3.4:80" or "[::1]:80", no names. An address is written in one way only afterwards.
absl::optional<std::string> CleanEndpoint(absl::string_view text) {
  const size_t colon = text.rfind(':');
  uint32_t port;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 ||
      port > 65535) {
    return absl::nullopt;
  }
  std::string host(text.substr(0, colon));
  // Nothing may stand behind what inet_pton takes for the end.
  if (host.find('\0') != std::string::npos) return absl::nullopt;
  char shown[INET6_ADDRSTRLEN];
  uint8_t address[16];
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), address) != 1) return absl::nullopt;
    inet_ntop(AF_INET6, address, shown, sizeof shown);
    return absl::StrCat("[", shown, "]:", port);
  }
  if (inet_pton(AF_INET, host.c_str(), address) != 1) return absl::nullopt;
  return absl::StrCat(host, ":", port);
}

absl::optional<uint32_t> FileIndex(absl::string_view text) {
  uint32_t index;
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(text, &index) || index >= kMaxFiles) return absl::nullopt;
  return index;
}

// A label in punycode, or bytes beyond ASCII: what one reads may not be what one gets.
bool MayLookLikeAnother(absl::string_view url) {
  absl::string_view authority = url.substr(url.find("://") + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::string lower = absl::AsciiStrToLower(authority.substr(authority.rfind('@') + 1));
  for (absl::string_view label : absl::StrSplit(lower, '.')) {
    if (absl::StartsWith(label, "xn--")) return true;
  }
  return std::any_of(lower.begin(), lower.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// Collects a link, parameter by parameter.
class Reader {
 public:
  void Take(absl::string_view parameter) {
    const size_t equals = parameter.find('=');
    if (equals == absl::string_view::npos) return;
    const std::string key = absl::AsciiStrToLower(parameter.substr(0, equals));
    const absl::string_view escaped = parameter.substr(equals + 1);
    const absl::optional<std::string> value = Unescape(escaped);
    if (key == "dn") {
      // Web pages make forms of it, with a plus for a blank; some forget to escape a percent sign.
      if (magnet_.name.empty()) {
        magnet_.name =
            CleanText(value ? absl::StrReplaceAll(*value, {{"+", " "}}) : std::string(escaped), kMaxNameBytes);
      }
    } else if (IsNumbered(key, "xt")) {
      TakeTopic(value);
    } else if (!value) {
      return;
    } else if (IsNumbered(key, "tr")) {
      TakeUrl(*value, &trackers_, kMaxTrackers, &trackers_left_out_);
    } else if (key == "ws") {
      TakeUrl(*value, &magnet_.web_seeds, kMaxWebSeeds, &web_seeds_left_out_);
    } else if (key == "x.pe") {
      TakePeer(*value);
    } else if (key == "so") {
      for (absl::string_view part : absl::StrSplit(*value, ',')) TakeRange(part);
    } else if (key == "dht") {
      TakeNode(*value);
    }
  }

  absl::StatusOr<Magnet> Finish() {
    if (!has_v1_) {
      if (has_v2_) {
        return absl::UnimplementedError(
            "the magnet link names a BitTorrent v2 torrent only (btmh): v1 ones are supported");
      }
      if (!wrong_topic_.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("magnet link: xt \"", CleanText(wrong_topic_, 100),
                         "\" is not urn:btih: with 40 hex digits or 32 base32 characters"));
      }
      return absl::InvalidArgumentError("magnet link: no xt=urn:btih:, so it names no torrent");
    }
    for (std::string& url : trackers_) magnet_.trackers.push_back({std::move(url)});
    JoinRanges();
    std::vector<std::string> notices;
    const auto tell = [&notices](size_t left_out, absl::string_view what, size_t most) {
      if (left_out > 0) notices.push_back(absl::StrCat(left_out, " ", what, " left out, ", most, " are taken"));
    };
    tell(trackers_left_out_, "trackers", kMaxTrackers);
    tell(web_seeds_left_out_, "web seeds", kMaxWebSeeds);
    tell(peers_left_out_, "peers", kMaxMagnetPeers);
    if (look_alikes_ > 0) {
      notices.push_back(absl::StrCat(look_alikes_, " left out whose host name may look like another (punycode)"));
    }
    if (!notices.empty()) magnet_.notice = absl::StrCat("magnet link: ", absl::StrJoin(notices, "; "));
    return std::move(magnet_);
  }

 private:
  // "tr", "tr.0", "tr.12"
  static bool IsNumbered(absl::string_view key, absl::string_view name) {
    if (!absl::ConsumePrefix(&key, name)) return false;
    return key.empty() ||
           (absl::ConsumePrefix(&key, ".") && !key.empty() && std::all_of(key.begin(), key.end(), absl::ascii_isdigit));
  }

  void TakeTopic(const absl::optional<std::string>& value) {
    absl::string_view topic = value ? absl::string_view(*value) : "";
    const std::string prefix = absl::AsciiStrToLower(topic.substr(0, 9));
    topic.remove_prefix(prefix.size());
    absl::optional<Infohash> infohash;
    if (prefix == "urn:btih:") {
      infohash = Infohash::FromHex(topic);
      if (!infohash) infohash = FromBase32(topic);
    } else if (prefix == "urn:btmh:") {
      // A multihash: 0x12 is SHA-256, 0x20 its 32 bytes.
      const bool hex = std::all_of(topic.begin(), topic.end(), absl::ascii_isxdigit);
      if (hex && topic.size() == 4 + 64 && absl::StartsWith(topic, "1220")) {
        has_v2_ = true;
        return;
      }
    } else if (absl::StartsWith(prefix, "urn:") && value) {
      // Of another network (ed2k, sha1, tree:tiger): links may name the same content several times.
      if (wrong_topic_.empty()) wrong_topic_ = *value;
      return;
    }
    if (!infohash) {
      wrong_topic_ = value ? *value : "%";
    } else if (!has_v1_) {
      has_v1_ = true;
      magnet_.infohash = *infohash;
    }
  }

  void TakeUrl(absl::string_view value, std::vector<std::string>* urls, size_t most, size_t* left_out) {
    std::string url = CleanUrl(value);
    if (url.empty() || std::find(urls->begin(), urls->end(), url) != urls->end()) return;
    if (MayLookLikeAnother(url)) {
      ++look_alikes_;
    } else if (urls->size() == most) {
      ++*left_out;
    } else {
      urls->push_back(std::move(url));
    }
  }

  void TakePeer(absl::string_view value) {
    absl::optional<std::string> peer = CleanEndpoint(value);
    if (!peer || std::find(magnet_.peers.begin(), magnet_.peers.end(), *peer) != magnet_.peers.end()) return;
    if (magnet_.peers.size() == kMaxMagnetPeers) {
      ++peers_left_out_;
    } else {
      magnet_.peers.push_back(*std::move(peer));
    }
  }

  void TakeRange(absl::string_view part) {
    const size_t dash = part.find('-');
    const absl::optional<uint32_t> first = FileIndex(part.substr(0, dash));
    const absl::optional<uint32_t> last = dash == absl::string_view::npos ? first : FileIndex(part.substr(dash + 1));
    if (first && last && *first <= *last) magnet_.selected.emplace_back(*first, *last);
  }

  void TakeNode(absl::string_view value) {
    absl::optional<std::pair<std::string, uint16_t>> node = ParseHostPort(value);
    if (!node || node->first.size() > kMaxHostBytes) return;
    if (!std::all_of(node->first.begin(), node->first.end(), absl::ascii_isgraph)) return;
    if (magnet_.nodes.size() < kMaxDhtNodes) magnet_.nodes.push_back(*std::move(node));
  }

  // Ascending, and those that touch or overlap become one.
  void JoinRanges() {
    std::sort(magnet_.selected.begin(), magnet_.selected.end());
    std::vector<std::pair<uint32_t, uint32_t>> joined;
    for (const auto& range : magnet_.selected) {
      if (!joined.empty() && range.first <= joined.back().second + 1) {
        joined.back().second = std::max(joined.back().second, range.second);
      } else {
        joined.push_back(range);
      }
    }
    magnet_.selected = std::move(joined);
  }

  Magnet magnet_;
  bool has_v1_ = false;
  bool has_v2_ = false;
  std::string wrong_topic_;
  std::vector<std::string> trackers_;
  size_t trackers_left_out_ = 0, web_seeds_left_out_ = 0, peers_left_out_ = 0, look_alikes_ = 0;
};

}  // namespace

bool LooksLikeMagnet(absl::string_view text) { return absl::StartsWithIgnoreCase(text, kScheme); }

absl::StatusOr<Magnet> ParseMagnet(absl::string_view link) {
  if (link.size() > kMaxMagnetBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the magnet link has ", link.size(), " bytes, more than ", kMaxMagnetBytes));
  }
  const size_t question = link.find('?');
  if (!LooksLikeMagnet(link) || question != kScheme.size()) {
    return absl::InvalidArgumentError("a magnet link begins with \"magnet:?\"");
  }
  Reader reader;
  for (absl::string_view parameter : absl::StrSplit(link.substr(question + 1), '&')) reader.Take(parameter);
  return reader.Finish();
}

std::string MagnetLink(const Metainfo& metainfo) {
  std::string link = absl::StrCat(kScheme, "?xt=urn:btih:", metainfo.infohash.Hex());
  if (!metainfo.name.empty()) absl::StrAppend(&link, "&dn=", Escape(metainfo.name));
  for (const std::vector<std::string>& tier : metainfo.trackers) {
    for (const std::string& url : tier) absl::StrAppend(&link, "&tr=", Escape(url));
  }
  for (const std::string& url : metainfo.web_seeds) absl::StrAppend(&link, "&ws=", Escape(url));
  return link;
}

void AddHints(const Magnet& magnet, Metainfo* metainfo) {
  size_t count = 0;
  for (const std::vector<std::string>& tier : metainfo->trackers) count += tier.size();
  for (const std::vector<std::string>& tier : magnet.trackers) {
    std::vector<std::string> added;
    for (const std::string& url : tier) {
      const bool known = std::any_of(metainfo->trackers.begin(), metainfo->trackers.end(), [&url](const auto& other) {
        return std::find(other.begin(), other.end(), url) != other.end();
      });
      if (!known && count++ < kMaxTrackers) added.push_back(url);
    }
    if (!added.empty()) metainfo->trackers.push_back(std::move(added));
  }
  for (std::string url : magnet.web_seeds) {
    // As in a .torrent (BEP 19): a torrent of several files lies below a folder.
    if (metainfo->multi_file && !absl::EndsWith(url, "/")) url.push_back('/');
    std::vector<std::string>& known = metainfo->web_seeds;
    if (known.size() < kMaxWebSeeds && std::find(known.begin(), known.end(), url) == known.end()) known.push_back(url);
  }
  if (metainfo->is_private) {
    metainfo->nodes.clear();
  } else if (metainfo->nodes.empty()) {
    metainfo->nodes = magnet.nodes;
  }
}

}  // namespace torrent
