// `torrent dht`: a node of the DHT for the eye, and a search by hand.
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/json_lines.h"
#include "cli/latch.h"
#include "cli/quantity.h"
#include "torrent/session.h"

namespace torrent {
namespace {

constexpr Duration kRedraw = std::chrono::seconds(1);
constexpr Duration kLogEvery = std::chrono::seconds(10);

std::string DhtText(const DhtStatus& status) {
  std::string text = absl::StrCat(status.nodes_v4, " nodes");
  if (status.nodes_v6 > 0) absl::StrAppend(&text, " and ", status.nodes_v6, " of IPv6");
  absl::StrAppend(&text, ", ", status.good_nodes, " good; ", status.lookups_done, " lookups done, ", status.lookups,
                  " under way; sent ", FormatSize(status.sent_bytes), ", received ", FormatSize(status.received_bytes),
                  ", ", status.dropped, " datagrams refused");
  if (!status.external_v4.empty()) absl::StrAppend(&text, "; seen as ", status.external_v4);
  if (!status.external_v6.empty()) absl::StrAppend(&text, "; seen as ", status.external_v6);
  return text;
}

Outcome ShowNode(Session* session, const DhtArguments& arguments, StopSignals* stop) {
  Latch stopped;
  stop->OnStop([&stopped] { stopped.Set(); });
  Display display({.text_fd = arguments.json ? STDERR_FILENO : STDOUT_FILENO});
  if (!arguments.json) {
    display.Print(absl::StrCat("DHT node ", session->Dht()->id, " on port ", session->port(), "; Ctrl-C stops it"));
  }
  TimePoint next_log = Now();
  Outcome outcome;
  do {
    const DhtStatus status = *session->Dht();
    if (arguments.json) {
      outcome = WriteOut(JsonOfDht(status) + "\n");
      if (outcome.exit_code != kExitDone) break;
    } else if (display.live()) {
      display.ShowLive({DhtText(status).substr(0, static_cast<size_t>(display.columns()))});
    } else if (Now() >= next_log) {
      display.Print(DhtText(status));
      next_log = Now() + kLogEvery;
    }
    if (display.reader_gone()) break;
  } while (!stopped.WaitUntil(Now() + kRedraw));
  stop->OnStop(nullptr);
  if (outcome.exit_code != kExitDone) return outcome;
  return {kExitSignal + stop->received(), ""};
}

Outcome FindPeers(Session* session, const DhtArguments& arguments) {
  // Each as it comes: a search may take some seconds, and who reads may want the first one only.
  const auto on_peers = [&arguments](const std::vector<std::string>& peers) {
    for (const std::string& peer : peers) {
      WriteAll(STDOUT_FILENO, (arguments.json ? JsonOfDhtPeer(peer) : peer) + "\n");
    }
  };
  const absl::StatusOr<DhtSearchResult> result = session->SearchDht(*arguments.infohash, arguments.timeout, on_peers);
  if (!result.ok()) {
    return {kExitTimeout, absl::StrCat("dht get: ", result.status().message(),
                                       "; is there a network? --dht-bootstrap HOST:PORT names a node to begin with")};
  }
  if (!arguments.json) {
    WriteAll(STDERR_FILENO, absl::StrCat(result->peers.size(), " peers; ", result->answered, " nodes answered, ",
                                         result->hops, " hops\n"));
  }
  return {};
}

}  // namespace

Outcome RunDht(const DhtArguments& arguments, StopSignals* stop) {
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Start(arguments.session, nullptr);
  if (!session.ok()) {
    return {ExitCodeOfStart(session.status(), arguments.session), std::string(session.status().message())};
  }
  if (!(*session)->Dht()) return {kExitNetwork, "dht: no UDP port can be had here"};
  return arguments.infohash ? FindPeers(session->get(), arguments) : ShowNode(session->get(), arguments, stop);
}

}  // namespace torrent
