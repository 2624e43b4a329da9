#include "tracker/udp_messages.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/limits.h"
#include "net/endpoint.h"
#include "tracker/reply_rules.h"

namespace torrent {

namespace {

constexpr uint64_t kProtocolId = 0x41727101980;
constexpr size_t kTransactionIdAt = 12;
constexpr size_t kReplyHeadBytes = 8;

// BEP 41.
constexpr char kUrlDataOption = 2;
constexpr char kEndOfOptions = 0;
constexpr size_t kMaxOptionBytes = 255;

void AppendBE64(std::string* out, uint64_t v) {
  AppendBE32(out, static_cast<uint32_t>(v >> 32));
  AppendBE32(out, static_cast<uint32_t>(v));
}

std::string Head(uint64_t connection_id, UdpAction action) {
  std::string request;
  AppendBE64(&request, connection_id);
  AppendBE32(&request, static_cast<uint32_t>(action));
  AppendBE32(&request, 0);
  return request;
}

uint32_t EventCode(TrackerEvent event) {
  switch (event) {
    case TrackerEvent::kNone:
      return 0;
    case TrackerEvent::kCompleted:
      return 1;
    case TrackerEvent::kStarted:
      return 2;
    case TrackerEvent::kStopped:
      return 3;
  }
  return 0;
}

size_t LeastBodyBytes(UdpAction action) {
  switch (action) {
    case UdpAction::kConnect:
      return 8;
    case UdpAction::kAnnounce:
      return 12;
    case UdpAction::kScrape:
    case UdpAction::kError:
      return 0;
  }
  return 0;
}

// Numbers are signed in the replies of some trackers: -1 for "not known".
int32_t Signed(absl::string_view body, size_t at) { return static_cast<int32_t>(LoadBE32(&body[at])); }

absl::optional<int64_t> Count(int32_t number) {
  if (number < 0) return absl::nullopt;
  return number;
}

}  // namespace

std::string UdpConnectRequest() { return Head(kProtocolId, UdpAction::kConnect); }

std::string UdpAnnounceRequest(uint64_t connection_id, const AnnounceRequest& request, const Url& url) {
  std::string out = Head(connection_id, UdpAction::kAnnounce);
  out.append(request.infohash.Raw().data(), request.infohash.Raw().size());
  out.append(reinterpret_cast<const char*>(request.peer_id.data()), request.peer_id.size());
  AppendBE64(&out, request.downloaded);
  AppendBE64(&out, request.left);
  AppendBE64(&out, request.uploaded);
  AppendBE32(&out, EventCode(request.event));
  AppendBE32(&out, 0);  // our address: the one that the datagram comes from
  AppendBE32(&out, request.key);
  AppendBE32(&out, request.event == TrackerEvent::kStopped ? 0 : static_cast<uint32_t>(request.numwant));
  AppendBE16(&out, request.port);
  // A URL without a path has the target "/", too.
  if (url.target == "/") return out;
  for (absl::string_view rest = url.target; !rest.empty();) {
    const absl::string_view part = rest.substr(0, kMaxOptionBytes);
    out.push_back(kUrlDataOption);
    out.push_back(static_cast<char>(part.size()));
    out.append(part.data(), part.size());
    rest.remove_prefix(part.size());
  }
  out.push_back(kEndOfOptions);
  return out;
}

std::string UdpScrapeRequest(uint64_t connection_id, absl::Span<const Infohash> infohashes) {
  std::string out = Head(connection_id, UdpAction::kScrape);
  for (const Infohash& infohash : infohashes) out.append(infohash.Raw().data(), infohash.Raw().size());
  return out;
}

void SetUdpTransactionId(uint32_t id, std::string* request) { StoreBE32(&(*request)[kTransactionIdAt], id); }

UdpAction ActionOfUdpRequest(absl::string_view request) { return static_cast<UdpAction>(LoadBE32(&request[8])); }

absl::optional<UdpReplyHead> ReadUdpReplyHead(absl::string_view datagram) {
  if (datagram.size() < kReplyHeadBytes) return absl::nullopt;
  const uint32_t action = LoadBE32(datagram.data());
  if (action > static_cast<uint32_t>(UdpAction::kError)) return absl::nullopt;
  const UdpReplyHead head{static_cast<UdpAction>(action), LoadBE32(&datagram[4]), datagram.substr(kReplyHeadBytes)};
  if (head.body.size() < LeastBodyBytes(head.action)) return absl::nullopt;
  return head;
}

uint64_t ReadUdpConnectionId(absl::string_view body) { return LoadBE64(body.data()); }

AnnounceReply ReadUdpAnnounce(absl::string_view body, bool v4) {
  AnnounceReply reply;
  reply.interval = BoundedInterval(Signed(body, 0), kMinAnnounceInterval);
  reply.incomplete = Count(Signed(body, 4));
  reply.complete = Count(Signed(body, 8));
  PeerList(&reply).AddCompact(body.substr(12), v4 ? kCompactV4Bytes : kCompactV6Bytes);
  return reply;
}

ScrapeReply ReadUdpScrape(absl::string_view body, absl::Span<const Infohash> infohashes) {
  constexpr size_t kEntryBytes = 12;
  ScrapeReply reply;
  for (const Infohash& infohash : infohashes) {
    if (body.size() < kEntryBytes) break;
    ScrapeReply::File file;
    file.complete = Count(Signed(body, 0)).value_or(0);
    file.downloaded = Count(Signed(body, 4)).value_or(0);
    file.incomplete = Count(Signed(body, 8)).value_or(0);
    reply.files.emplace_back(infohash, file);
    body.remove_prefix(kEntryBytes);
  }
  return reply;
}

}  // namespace torrent
