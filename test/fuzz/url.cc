// A URL of a tracker, and, where the input has two lines, a Location as seen from it.
#include "net/url.h"

#include "net/http_policy.h"
#include "test/fuzz/fuzz_target.h"

namespace torrent::fuzz {
namespace {

// The invariant of the header: no part can end a header line.
void CheckUrl(const Url& url) {
  const std::string text = url.ToString();
  for (char c : text) FUZZ_CHECK(c > 0x20 && c < 0x7f);
  FUZZ_CHECK(url.scheme == "http" || url.scheme == "https" || url.scheme == "udp");
  FUZZ_CHECK(!url.host.empty() && url.port != 0 && url.target.substr(0, 1) == "/");
  const absl::StatusOr<Url> again = Url::Parse(text);
  FUZZ_CHECK(again.ok() && again->ToString() == text && again->SameOrigin(url));
  // Hazard 34.
  FUZZ_CHECK(url.SafeForLog().find('?') == std::string::npos);
  url.IsIdna();
  url.HostAndPort();
  CheckAnnounceUrl(url).IgnoreError();
}

}  // namespace

FUZZ_TARGET(url) {
  const size_t newline = input.find('\n');
  const absl::string_view first = input.substr(0, newline);
  FUZZ_CHECK(SafeUrlText(input).size() <= 210);
  FUZZ_CHECK(PercentDecode(input).size() <= input.size());
  const absl::StatusOr<Url> url = Url::Parse(first);
  if (!url.ok()) return;
  CheckUrl(*url);
  if (newline == input.npos) return;
  const absl::StatusOr<Url> next = url->Resolve(input.substr(newline + 1));
  if (!next.ok()) return;
  CheckUrl(*next);
  FUZZ_CHECK(next->userinfo.empty());  // hazard 73
}

}  // namespace torrent::fuzz
