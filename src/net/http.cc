#include "net/http.h"

#include <algorithm>
#include <memory>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "net/http_connection.h"
#include "net/http_exchange.h"

namespace torrent {

namespace {

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

absl::Status CheckHop(const HttpRequest& request, const Url& url) {
  if (url.scheme != "http" && url.scheme != "https") {
    return absl::PermissionDeniedError(absl::StrCat(url.scheme, " is not http or https"));
  }
  if (!request.allow_idna && url.IsIdna()) {
    return absl::PermissionDeniedError("a host name in punycode (xn--) may look like another one");
  }
  return absl::OkStatus();
}

// The headers of one hop: the caller's and ours.
HttpHeaders HeadersFor(const HttpRequest& request, const HttpHeaders& kept, const Url& url) {
  HttpHeaders headers = kept;
  headers.emplace_back("Host", url.HostAndPort());
  headers.emplace_back("User-Agent", request.user_agent.empty() ? "torrent" : request.user_agent);
  headers.emplace_back("Accept-Encoding", "gzip");
  if (!url.userinfo.empty()) {
    headers.emplace_back("Authorization", absl::StrCat("Basic ", absl::Base64Escape(PercentDecode(url.userinfo))));
  }
  return headers;
}

bool IsCredential(const std::pair<std::string, std::string>& header) {
  return absl::EqualsIgnoreCase(header.first, "Authorization") || absl::EqualsIgnoreCase(header.first, "Cookie");
}

}  // namespace

absl::string_view HttpResponse::Header(absl::string_view name) const {
  for (const auto& [header, value] : headers) {
    if (header == name) return value;
  }
  return {};
}

absl::StatusOr<HttpResponse> HttpGet(const HttpRequest& request, Resolver* resolver, int cancel_fd) {
  const TimePoint deadline = Now() + request.total_timeout;
  Url url = request.url;
  HttpHeaders kept = request.headers;
  std::vector<std::string> visited;
  absl::optional<Address> redirected_from;

  while (true) {
    const std::string shown = url.SafeForLog();
    RETURN_IF_ERROR(Annotate(CheckHop(request, url), shown));
    visited.push_back(url.ToString());
    // A fresh connection each hop, checked like the first.
    absl::StatusOr<std::unique_ptr<Stream>> stream = OpenHttpConnection(
        request, url, redirected_from, resolver, std::min(deadline, Now() + request.connect_timeout), cancel_fd);
    if (!stream.ok()) return Annotate(stream.status(), shown);
    absl::StatusOr<HttpResponse> response =
        HttpExchange(stream->get(), url, HeadersFor(request, kept, url), request.max_body_bytes, deadline, cancel_fd);
    if (!response.ok()) return Annotate(response.status(), shown);
    response->remote = (*stream)->remote();
    if (!IsRedirect(response->status)) {
      if (response->status == 206)
        return absl::InvalidArgumentError(absl::StrCat(shown, ": a part (206) of what was asked for"));
      response->url = url;
      return response;
    }

    const absl::string_view location = response->Header("location");
    if (location.empty()) return absl::InvalidArgumentError(absl::StrCat(shown, ": redirect without a location"));
    if (visited.size() > static_cast<size_t>(request.max_redirects)) {
      return absl::PermissionDeniedError(absl::StrCat(shown, ": more than ", request.max_redirects, " redirects"));
    }
    absl::StatusOr<Url> next = url.Resolve(location);
    if (!next.ok()) return Annotate(next.status(), absl::StrCat(shown, ": redirect"));
    if (next->SameOrigin(url)) {
      next->userinfo = url.userinfo;
    } else {
      kept.erase(std::remove_if(kept.begin(), kept.end(), IsCredential), kept.end());
    }
    if (absl::c_linear_search(visited, next->ToString())) {
      return absl::PermissionDeniedError(absl::StrCat(shown, ": redirects in a circle"));
    }
    redirected_from = response->remote.address;
    url = *std::move(next);
  }
}

}  // namespace torrent
