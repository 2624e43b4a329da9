// Events as a line for people: what -v tells, and the few that everybody should know. Pure.
#ifndef TORRENT_CLI_EVENT_NOTES_H_
#define TORRENT_CLI_EVENT_NOTES_H_

#include <string>

#include "absl/types/optional.h"
#include "torrent/event.h"

namespace torrent {

struct Note {
  // How much must be going on for it to be told.
  enum class When : uint8_t {
    kVerbose,       // with -v only
    kWithoutPeers,  // also when there is nobody else to get the torrent from
    kAlways,
  };
  When when;
  TorrentId torrent;
  std::string text;  // one line of clean text
};

// None for kinds that people are not told of (pieces, hashing: the progress line has them).
absl::optional<Note> NoteOfEvent(const Event& event);

// The kinds that NoteOfEvent has a note for; without `verbose`, those of which some are not for -v only.
uint32_t NotedEvents(bool verbose);

}  // namespace torrent

#endif  // TORRENT_CLI_EVENT_NOTES_H_
