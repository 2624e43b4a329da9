#include "metainfo/top_fields.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/clean_text.h"
#include "base/limits.h"

namespace torrent {

namespace {

using bencode::Value;

// Collects tiers without repeating a tracker, kMaxTrackers in all.
class TierCollector {
 public:
  explicit TierCollector(std::vector<std::vector<std::string>>* tiers) : tiers_(tiers) {}

  void AddTier(absl::Span<const Value> urls) {
    std::vector<std::string> tier;
    for (const Value& url : urls) {
      if (seen_.size() == kMaxTrackers) break;
      std::string clean = url.is_string() ? CleanUrl(url.string()) : "";
      if (!clean.empty() && seen_.insert(clean).second) tier.push_back(std::move(clean));
    }
    if (!tier.empty()) tiers_->push_back(std::move(tier));
  }

 private:
  std::vector<std::vector<std::string>>* const tiers_;
  absl::flat_hash_set<std::string> seen_;
};

// BEP 12 has clients ignore `announce` where there is a list; one that the list forgot still comes last, when all
// others failed.
void ReadTrackers(const Value& root, Metainfo* metainfo) {
  TierCollector collector(&metainfo->trackers);
  if (const Value* tiers = root.FindList("announce-list")) {
    for (const Value& tier : tiers->list()) {
      // A bare string is a tier of one: seen in the wild.
      collector.AddTier(tier.is_list() ? tier.list() : absl::MakeConstSpan(&tier, 1));
    }
  }
  if (const Value* announce = root.FindString("announce")) collector.AddTier(absl::MakeConstSpan(announce, 1));
}

void ReadWebSeeds(const Value& root, Metainfo* metainfo) {
  const Value* field = root.Find("url-list");
  if (field == nullptr) return;
  absl::flat_hash_set<std::string> seen;
  for (const Value& url : field->is_list() ? field->list() : absl::MakeConstSpan(field, 1)) {
    if (seen.size() == kMaxWebSeeds) break;
    std::string clean = url.is_string() ? CleanUrl(url.string()) : "";
    if (clean.empty()) continue;
    // BEP 19: a torrent of several files lies below a folder, whose URL ends with a slash.
    if (metainfo->multi_file && !absl::EndsWith(clean, "/")) clean.push_back('/');
    if (seen.insert(clean).second) metainfo->web_seeds.push_back(std::move(clean));
  }
}

void ReadNodes(const Value& root, Metainfo* metainfo) {
  const Value* nodes = root.FindList("nodes");
  if (nodes == nullptr) return;
  constexpr size_t kMaxHostBytes = 255;  // of a DNS name
  for (const Value& node : nodes->list()) {
    if (metainfo->nodes.size() == kMaxDhtNodes) break;
    if (!node.is_list() || node.list().size() != 2) continue;
    const Value& host = node.list()[0];
    const Value& port = node.list()[1];
    if (!host.is_string() || !port.is_integer() || port.integer() < 1 || port.integer() > 65535) continue;
    absl::string_view name = host.string();
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (name.empty() || name.size() > kMaxHostBytes || !printable) continue;
    metainfo->nodes.emplace_back(std::string(name), static_cast<uint16_t>(port.integer()));
  }
}

std::string ReadText(const Value& root, absl::string_view key, absl::string_view utf8_key) {
  const Value* text = root.FindString(utf8_key);
  if (text == nullptr) text = root.FindString(key);
  return text == nullptr ? "" : CleanText(text->string(), kMaxCommentBytes);
}

}  // namespace

std::string CleanUrl(absl::string_view url) {
  url = absl::StripAsciiWhitespace(url);
  const size_t scheme = url.find("://");
  if (scheme == absl::string_view::npos || scheme == 0 || url.size() > kMaxUrlBytes) return "";
  for (char c : url.substr(0, scheme)) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') return "";
  }
  for (char c : url) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) return "";
  }
  return absl::StrReplaceAll(url, {{" ", "%20"}});
}

void ReadTopFields(const Value& root, Metainfo* metainfo) {
  ReadTrackers(root, metainfo);
  ReadWebSeeds(root, metainfo);
  ReadNodes(root, metainfo);
  metainfo->comment = ReadText(root, "comment", "comment.utf-8");
  metainfo->created_by = ReadText(root, "created by", "created by.utf-8");
  const Value* date = root.FindInteger("creation date");
  if (date != nullptr && date->integer() >= 0) metainfo->creation_date = date->integer();
}

}  // namespace torrent
