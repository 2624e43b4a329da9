#include "cli/event_notes.h"

#include "absl/strings/str_cat.h"
#include "base/clean_text.h"
#include "cli/quantity.h"

namespace torrent {
namespace {

// Longer than any sensible line, short enough for a screen.
constexpr size_t kMaxNoteBytes = 500;

struct NoteOf {
  TorrentId torrent;

  Note Make(Note::When when, absl::string_view text) const { return {when, torrent, CleanText(text, kMaxNoteBytes)}; }

  absl::optional<Note> operator()(const AnnounceEvent& e) const {
    const std::string tracker = e.tracker.empty() ? "" : absl::StrCat("tracker ", e.tracker, ": ");
    if (!e.warning.empty()) return Make(Note::When::kAlways, absl::StrCat(tracker, e.warning));
    if (!e.status.ok()) return Make(Note::When::kWithoutPeers, absl::StrCat(tracker, e.status.message()));
    return Make(Note::When::kVerbose,
                absl::StrCat(tracker, e.event.empty() ? "announced" : e.event, ", ", e.peers, " peers"));
  }
  absl::optional<Note> operator()(const PeersFoundEvent& e) const {
    return Make(Note::When::kVerbose,
                absl::StrCat(PeerSourceName(e.source), ": ", e.added, " new peers, ", e.known, " known"));
  }
  absl::optional<Note> operator()(const PeerConnectedEvent& e) const {
    return Make(Note::When::kVerbose,
                absl::StrCat("peer ", e.endpoint, ": ", e.incoming ? "came in" : "connected", " (",
                             PeerSourceName(e.source), e.client.empty() ? "" : ", ", e.client, ")"));
  }
  absl::optional<Note> operator()(const PeerGoneEvent& e) const {
    return Make(Note::When::kVerbose,
                absl::StrCat("peer ", e.endpoint, e.banned ? ": banned" : ": gone", ", ",
                             e.reason.ok() ? absl::string_view("closed") : absl::string_view(e.reason.message()),
                             "; got ", FormatSize(e.downloaded_bytes), ", gave ", FormatSize(e.uploaded_bytes)));
  }
  absl::optional<Note> operator()(const PieceEvent& e) const {
    if (e.what != PieceEvent::What::kFailed) return absl::nullopt;
    return Make(Note::When::kVerbose, absl::StrCat("piece ", e.piece_index, ": wrong hash, fetched again"));
  }
  absl::optional<Note> operator()(const DiskEvent& e) const {
    if (e.status.ok()) return Make(Note::When::kAlways, "the disk can be used again, going on");
    return Make(Note::When::kAlways,
                absl::StrCat(e.status.message(), e.waits ? "; the download waits, and goes on by itself" : ""));
  }
  template <typename Other>
  absl::optional<Note> operator()(const Other&) const {
    return absl::nullopt;
  }
};

}  // namespace

absl::optional<Note> NoteOfEvent(const Event& event) { return absl::visit(NoteOf{event.torrent}, event.what); }

uint32_t NotedEvents(bool verbose) {
  return kAnnounceEvents | kDiskEvents | (verbose ? kPeerEvents | kPieceEvents : 0u);
}

}  // namespace torrent
