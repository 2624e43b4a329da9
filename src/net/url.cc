#include "net/url.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/limits.h"
#include "base/status.h"
#include "net/address.h"

namespace torrent {

namespace {

constexpr size_t kMaxHostBytes = 253;  // RFC 1035, 2.3.4, as text
constexpr size_t kMaxLabelBytes = 63;
constexpr size_t kMaxShownUrlBytes = 200;
// Passkeys are 32 or 40 hex digits; words in paths are shorter than this.
constexpr size_t kSecretElementBytes = 20;

uint16_t DefaultPort(absl::string_view scheme) {
  if (scheme == "http") return 80;
  if (scheme == "https") return 443;
  return 0;
}

// The scheme in front of the first ':', in lower case; empty where there is none (RFC 3986, 3.1).
std::string SchemeOf(absl::string_view text) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos || colon == 0 || !absl::ascii_isalpha(static_cast<unsigned char>(text[0]))) {
    return "";
  }
  for (char c : text.substr(0, colon)) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') return "";
  }
  return absl::AsciiStrToLower(text.substr(0, colon));
}

absl::string_view WithoutFragment(absl::string_view text) { return text.substr(0, text.find('#')); }

// RFC 3986, 5.2.4. `path` begins with '/'.
std::string WithoutDotSegments(absl::string_view path) {
  std::vector<absl::string_view> kept;
  const std::vector<absl::string_view> elements = absl::StrSplit(path.substr(1), '/');
  for (size_t i = 0; i < elements.size(); ++i) {
    const bool last = i + 1 == elements.size();
    if (elements[i] == "..") {
      if (!kept.empty()) kept.pop_back();
      if (last) kept.push_back("");
    } else if (elements[i] == ".") {
      if (last) kept.push_back("");
    } else {
      kept.push_back(elements[i]);
    }
  }
  std::string result;
  for (absl::string_view element : kept) absl::StrAppend(&result, "/", element);
  return result.empty() ? "/" : result;
}

std::string NormalTarget(absl::string_view target) {
  const size_t question = std::min(target.find('?'), target.size());
  const absl::string_view path = target.substr(0, question);
  return absl::StrCat(WithoutDotSegments(path.empty() ? "/" : path), target.substr(question));
}

// In lower case and without the root's dot; nothing for what is no name. Underscores are no letters of host names, and
// used.
absl::optional<std::string> ParseName(absl::string_view text) {
  if (absl::EndsWith(text, ".")) text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxHostBytes) return absl::nullopt;
  for (absl::string_view label : absl::StrSplit(text, '.')) {
    if (label.empty() || label.size() > kMaxLabelBytes) return absl::nullopt;
    for (char c : label) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return absl::nullopt;
    }
  }
  return absl::AsciiStrToLower(text);
}

std::string SafePath(absl::string_view path) {
  std::string safe;
  for (absl::string_view element : absl::StrSplit(path, '/')) {
    const auto letters = std::count_if(element.begin(), element.end(),
                                       [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); });
    if (static_cast<size_t>(letters) >= kSecretElementBytes) {
      absl::StrAppend(&safe, element.substr(0, 4), "...");
    } else {
      absl::StrAppend(&safe, element);
    }
    safe += '/';
  }
  safe.pop_back();
  return safe;
}

}  // namespace

absl::StatusOr<Url> Url::Parse(absl::string_view text) {
  const auto refuse = [text](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("URL ", SafeUrlText(text), ": ", why));
  };
  if (text.size() > kMaxRequestUrlBytes) {
    return refuse(absl::StrCat("has ", text.size(), " bytes, at most ", kMaxRequestUrlBytes));
  }
  for (char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)))
      return refuse("has a blank or a byte outside printable ASCII");
  }
  Url url;
  url.scheme = SchemeOf(text);
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "udp") return refuse("is not http, https or udp");
  absl::string_view rest = WithoutFragment(text.substr(url.scheme.size() + 1));
  if (!absl::StartsWith(rest, "//")) return refuse("has no // after the scheme");
  rest.remove_prefix(2);

  const size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  absl::string_view authority = rest.substr(0, authority_end);
  url.target = NormalTarget(rest.substr(authority_end));

  // Browsers take a backslash for a slash: the host before it, or the one behind it, would depend on the reader.
  if (absl::StrContains(authority, '\\')) return refuse("has a backslash before its path");
  const size_t at = authority.find('@');
  if (at != absl::string_view::npos) {
    url.userinfo = std::string(authority.substr(0, at));
    authority.remove_prefix(at + 1);
  }
  absl::string_view port;
  bool has_port = false;
  if (absl::StartsWith(authority, "[")) {
    const size_t close = authority.find(']');
    const absl::optional<Address> address =
        close == absl::string_view::npos ? absl::nullopt : Address::Parse(authority.substr(1, close - 1));
    if (!address || authority.substr(0, close).find(':') == absl::string_view::npos) {
      return refuse("has no IPv6 address in the brackets");
    }
    url.host = address->ToString();
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority[0] != ':') return refuse("has something between address and port");
    has_port = !authority.empty();
    if (has_port) port = authority.substr(1);
  } else {
    const size_t colon = authority.find(':');
    has_port = colon != absl::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
    const absl::optional<std::string> name = ParseName(authority.substr(0, colon));
    if (!name) return refuse("has no valid host name");
    url.host = *name;
  }

  url.port = DefaultPort(url.scheme);
  if (has_port && !port.empty()) {  // "http://host:/" is the default port (RFC 3986, 3.2.3)
    uint32_t number = 0;
    if (port.size() > 5 || !std::all_of(port.begin(), port.end(), absl::ascii_isdigit) ||
        !absl::SimpleAtoi(port, &number) || number == 0 || number > 65535) {
      return refuse("has a port that is not in [1, 65535]");
    }
    url.port = static_cast<uint16_t>(number);
  }
  if (url.port == 0) return refuse("has no port");
  return url;
}

absl::StatusOr<Url> Url::Resolve(absl::string_view reference) const {
  const absl::string_view given = WithoutFragment(reference);
  const std::string origin = absl::StrCat(scheme, "://", HostAndPort());
  std::string text;
  if (!SchemeOf(given).empty()) {
    text = std::string(given);
  } else if (absl::StartsWith(given, "//")) {
    text = absl::StrCat(scheme, ":", given);
  } else if (absl::StartsWith(given, "/")) {
    text = absl::StrCat(origin, given);
  } else if (given.empty()) {
    text = absl::StrCat(origin, target);
  } else if (given[0] == '?') {
    text = absl::StrCat(origin, path(), given);
  } else {
    text = absl::StrCat(origin, path().substr(0, path().rfind('/') + 1), given);
  }
  ASSIGN_OR_RETURN(Url url, Parse(text));
  url.userinfo.clear();
  return url;
}

bool Url::HasDefaultPort() const { return port == DefaultPort(scheme); }

absl::string_view Url::path() const { return absl::string_view(target).substr(0, target.find('?')); }

absl::string_view Url::query() const {
  const size_t question = target.find('?');
  return question == std::string::npos ? absl::string_view() : absl::string_view(target).substr(question + 1);
}

bool Url::IsIdna() const {
  for (absl::string_view label : absl::StrSplit(host, '.')) {
    if (absl::StartsWithIgnoreCase(label, "xn--")) return true;
  }
  return false;
}

std::string Url::HostAndPort() const {
  const std::string name = absl::StrContains(host, ':') ? absl::StrCat("[", host, "]") : host;
  return HasDefaultPort() ? name : absl::StrCat(name, ":", port);
}

std::string Url::ToString() const {
  return absl::StrCat(scheme, "://", userinfo, userinfo.empty() ? "" : "@", HostAndPort(), target);
}

std::string Url::SafeForLog() const { return absl::StrCat(scheme, "://", HostAndPort(), SafePath(path())); }

std::string SafeUrlText(absl::string_view text) {
  text = text.substr(0, text.find_first_of("?#"));
  std::string safe;
  const size_t slashes = text.find("://");
  if (slashes != absl::string_view::npos) {
    safe = std::string(text.substr(0, slashes + 3));
    text.remove_prefix(slashes + 3);
  }
  // Whatever stands before an '@' may be a password, wherever a broken URL has it.
  const size_t at = text.rfind('@');
  if (at != absl::string_view::npos) text.remove_prefix(at + 1);
  safe += SafePath(text);
  if (safe.size() > kMaxShownUrlBytes) safe = absl::StrCat(safe.substr(0, kMaxShownUrlBytes), "...");
  for (char& c : safe) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) c = '_';
  }
  return safe;
}

std::string PercentDecode(absl::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    uint32_t byte = 0;
    if (text[i] == '%' && text.size() - i > 2 && absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2])) &&
        absl::SimpleHexAtoi(text.substr(i + 1, 2), &byte)) {
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

}  // namespace torrent
