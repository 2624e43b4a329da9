#include "wire/peer_id.h"

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/bytes.h"
#include "base/random.h"

namespace torrent::wire {
namespace {

struct Known {
  absl::string_view prefix;
  absl::string_view client;
};

// `-XX` and four characters of version.
constexpr Known kAzureusStyle[] = {
    {"7T", "aTorrent"},
    {"AG", "Ares"},
    {"AZ", "Vuze"},
    {"BC", "BitComet"},
    {"BI", "BiglyBT"},
    {"BL", "BitLord"},
    {"BT", "BitTorrent"},
    {"CD", "Enhanced CTorrent"},
    {"CT", "CTorrent"},
    {"DE", "Deluge"},
    {"FD", "Free Download Manager"},
    {"FL", "Folx"},
    {"FW", "FrostWire"},
    {"GR", "GetRight"},
    {"HL", "Halite"},
    {"KG", "KGet"},
    {"KT", "KTorrent"},
    {"LR", "LibreTorrent"},
    {"LT", "libtorrent"},
    {"MG", "MediaGet"},
    {"ML", "MLDonkey"},
    {"MO", "MonoTorrent"},
    {"OS", "OneSwarm"},
    {"PI", "PicoTorrent"},
    {"PW", "piecework"},
    {"QD", "QQDownload"},
    {"SD", "Xunlei"},
    {"SZ", "Shareaza"},
    {"TL", "Tribler"},
    {"TR", "Transmission"},
    {"UE", "uTorrent Embedded"},
    {"UM", "uTorrent Mac"},
    {"UT", "uTorrent"},
    {"UW", "uTorrent Web"},
    {"WD", "WebTorrent Desktop"},
    {"WW", "WebTorrent"},
    {"XF", "Xfplay"},
    {"XL", "Xunlei"},
    {"lt", "rTorrent"},
    {"qB", "qBittorrent"},
};

// One letter, up to five characters of version, padded with dashes (Shadow's and BitTornado's form).
constexpr Known kShadowStyle[] = {
    {"A", "ABC"},    {"O", "Osprey Permaseed"}, {"Q", "BTQueue"},  {"R", "Tribler"},
    {"S", "Shadow"}, {"T", "BitTornado"},       {"U", "UPnP NAT"},
};

// A prefix, then numbers with dashes between them.
constexpr Known kDashedStyle[] = {{"M", "BitTorrent"}, {"A2-", "aria2"}};

// Forms of their own, without a version that could be read.
constexpr Known kOthers[] = {
    {"TIX", "Tixati"}, {"aria2-", "aria2"}, {"exbc", "BitComet"}, {"XBT", "XBT Client"}, {"btpd/", "btpd"},
};

absl::string_view Lookup(absl::Span<const Known> table, absl::string_view prefix) {
  for (const Known& known : table) {
    if (known.prefix == prefix) return known.client;
  }
  return {};
}

// The number that a character of a version stands for: digits, then A = 10, then a = 36.
int VersionNumber(char c) {
  if (absl::ascii_isdigit(static_cast<unsigned char>(c))) return c - '0';
  if (absl::ascii_isupper(static_cast<unsigned char>(c))) return c - 'A' + 10;
  return c - 'a' + 36;
}

bool IsAlnum(absl::string_view text) {
  for (char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) return false;
  }
  return !text.empty();
}

// "4520" -> "4.5.2". A fourth character is a part of the version where it is a digit but 0, else the kind of build.
std::string AzureusVersion(absl::string_view letters, absl::string_view version) {
  if (letters == "TR" && version[0] < '4') return absl::StrCat(version.substr(0, 1), ".", version.substr(1, 2));
  std::string out =
      absl::StrCat(VersionNumber(version[0]), ".", VersionNumber(version[1]), ".", VersionNumber(version[2]));
  if (version[3] > '0' && version[3] <= '9') absl::StrAppend(&out, ".", version.substr(3, 1));
  return out;
}

std::string TryAzureus(absl::string_view id) {
  if (id[0] != '-') return "";
  const absl::string_view letters = id.substr(1, 2);
  const absl::string_view version = id.substr(3, 4);
  const absl::string_view client = Lookup(kAzureusStyle, letters);
  if (client.empty() && (id[7] != '-' || !IsAlnum(letters))) return "";
  std::string out(client.empty() ? letters : client);
  if (IsAlnum(version)) absl::StrAppend(&out, " ", AzureusVersion(letters, version));
  return out;
}

std::string TryShadow(absl::string_view id) {
  const absl::string_view client = Lookup(kShadowStyle, id.substr(0, 1));
  if (client.empty() || id.substr(6, 3) != "---") return "";
  absl::string_view version = id.substr(1, 5);
  while (absl::ConsumeSuffix(&version, "-")) {
  }
  if (!IsAlnum(version)) return "";
  std::string out(client);
  for (size_t i = 0; i < version.size(); ++i) absl::StrAppend(&out, i == 0 ? " " : ".", VersionNumber(version[i]));
  return out;
}

std::string TryDashed(absl::string_view id) {
  for (const Known& known : kDashedStyle) {
    absl::string_view rest = id;
    if (!absl::ConsumePrefix(&rest, known.prefix)) continue;
    std::string out(known.client);
    int numbers = 0;
    while (numbers < 3) {
      const size_t digits = rest.find_first_not_of("0123456789");
      if (digits == 0 || digits == absl::string_view::npos || rest[digits] != '-') break;
      absl::StrAppend(&out, numbers == 0 ? " " : ".", rest.substr(0, digits));
      rest.remove_prefix(digits + 1);
      ++numbers;
    }
    if (numbers == 3) return out;
  }
  return "";
}

std::string TryOthers(absl::string_view id) {
  for (const Known& known : kOthers) {
    if (absl::StartsWith(id, known.prefix)) return std::string(known.client);
  }
  return "";
}

}  // namespace

PeerId GeneratePeerId(absl::string_view version) {
  constexpr absl::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id = absl::StrCat("-", kClientLetters);
  for (char c : version) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c)) && id.size() < 7) id.push_back(c);
  }
  id.resize(7, '0');
  id.push_back('-');
  while (id.size() < std::tuple_size_v<PeerId>) {
    // 248 is the largest multiple of 62 in a byte: what is above would make some letters likelier.
    uint8_t byte;
    SecureRandomBytes(&byte, 1);
    if (byte < 248) id.push_back(kAlphabet[byte % kAlphabet.size()]);
  }
  PeerId peer_id;
  memcpy(peer_id.data(), id.data(), peer_id.size());
  return peer_id;
}

std::string ClientOfPeerId(const PeerId& peer_id) {
  const absl::string_view id = AsText(peer_id);
  for (const auto& attempt : {TryAzureus, TryShadow, TryDashed, TryOthers}) {
    std::string client = attempt(id);
    if (!client.empty()) return client;
  }
  return "unknown client";
}

}  // namespace torrent::wire
