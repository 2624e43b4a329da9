#include "cli/event_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/memory_shortage.h"
#include "cli/json_lines.h"

namespace torrent {
namespace {

uint32_t Wanted(const EventQueue::Options& options) {
  return (options.json
              ? kMetadataEvents | kMetadataProgressEvents | kAnnounceEvents | kPeerEvents | kPieceEvents | kDiskEvents
              : 0u) |
         (options.notes ? NotedEvents(options.verbose) : 0u);
}

}  // namespace

EventQueue::EventQueue(const Options& options) : EventListener(Wanted(options)), options_(options) {}

void EventQueue::OnEvent(const Event& event) {
  // The JSON library takes memory where it has promised to throw nothing: without any, that would end the process.
  const PatientForMemory patient;
  // Made into text outside the lock.
  absl::optional<std::string> json;
  absl::optional<Note> note;
  if (options_.json) json = JsonOfEvent(event);
  if (options_.notes) note = NoteOfEvent(event);
  if (note && note->when == Note::When::kVerbose && !options_.verbose) note.reset();
  MutexLock lock(&mutex_);
  if (json) {
    if (lines_.json.size() + json->size() < kMaxQueuedBytes) {
      absl::StrAppend(&lines_.json, *json, "\n");
    } else {
      ++json_left_out_;
    }
  }
  if (note) {
    if (notes_bytes_ + note->text.size() < kMaxQueuedBytes) {
      notes_bytes_ += note->text.size();
      lines_.notes.push_back(*std::move(note));
    } else {
      ++lines_.notes_left_out;
    }
  }
}

EventQueue::Lines EventQueue::Take() {
  MutexLock lock(&mutex_);
  if (json_left_out_ > 0) absl::StrAppend(&lines_.json, JsonOfGap(std::exchange(json_left_out_, 0)), "\n");
  notes_bytes_ = 0;
  return std::exchange(lines_, Lines());
}

}  // namespace torrent
