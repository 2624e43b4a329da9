// Between the threads of the core, which must not wait, and the one that writes to a terminal or a pipe, which may:
// events become lines at once and wait here until they are taken. When the reader is slow, what is in between is
// counted and left out, never waited for. Thread-safe. Invariant: at most kMaxQueuedBytes of lines are held.
#ifndef TORRENT_CLI_EVENT_QUEUE_H_
#define TORRENT_CLI_EVENT_QUEUE_H_

#include <string>
#include <vector>

#include "base/mutex.h"
#include "cli/event_notes.h"
#include "torrent/event.h"

namespace torrent {

class EventQueue : public EventListener {
 public:
  static constexpr size_t kMaxQueuedBytes = 1 << 20;

  struct Options {
    bool json = false;
    bool notes = true;
    bool verbose = false;
  };
  explicit EventQueue(const Options& options);

  void OnEvent(const Event& event) override ABSL_LOCKS_EXCLUDED(mutex_);

  struct Lines {
    std::string json;  // whole lines, newlines included
    std::vector<Note> notes;
    uint64_t notes_left_out = 0;
  };
  bool verbose() const { return options_.verbose; }

  // What came since the last call.
  Lines Take() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const Options options_;
  Mutex mutex_;
  Lines lines_ ABSL_GUARDED_BY(mutex_);
  size_t notes_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t json_left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace torrent

#endif  // TORRENT_CLI_EVENT_QUEUE_H_
