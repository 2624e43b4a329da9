// Watching torrents until they end: the live lines, the lines of a log, --json, --timeout, and what each torrent's end
// means for the exit code. Thread: main.
#ifndef TORRENT_CLI_WATCH_H_
#define TORRENT_CLI_WATCH_H_

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cli/display.h"
#include "cli/event_queue.h"
#include "cli/exit_code.h"
#include "torrent/session.h"

namespace torrent {

// Of a torrent's name, on lines that have more to tell.
inline constexpr size_t kMaxShownNameBytes = 200;

// A torrent that was added to the session.
struct Running {
  TorrentId id;
  std::string name;  // clean text
  bool seed = false;
};

struct WatchOptions {
  int json_fd = -1;  // where --json goes; -1: nowhere
  std::chrono::milliseconds timeout{0};
  std::chrono::milliseconds redraw_interval{250};
  std::chrono::milliseconds json_interval{1000};
  std::chrono::milliseconds log_interval{10000};
  // The signal that asked for the stop; 0: none.
  std::function<int()> signal = [] { return 0; };
};

class Watch {
 public:
  // All must outlive it. `events` is the session's listener.
  Watch(Session* session, std::vector<Running> torrents, Display* display, EventQueue* events, WatchOptions options);

  // Until every torrent has stopped. Says what became of each; the exit code is 128 + signal when one stopped what was
  // not finished, else that of the first torrent that failed.
  Outcome Run();

 private:
  struct Torrent {
    Running what;
    TorrentStatus status;
    bool named = false;  // by its metainfo
    bool done = false;   // that it is complete has been said
    bool ended = false;  // and what became of it
    int exit_code = kExitDone;
  };

  void Look();
  void ShowLive();
  void TellEvents();
  void TellDone(Torrent* torrent);
  void TellEnd(Torrent* torrent);
  void TellProgress(TimePoint now);
  void CheckTimeout(TimePoint now);
  void WriteJson(const std::string& line);
  // Waits until something may have changed.
  void Pause(TimePoint now);
  bool AllEnded() const;
  Outcome Result();
  // The name in front, when there is more than one torrent.
  std::string Named(TorrentId id, const std::string& text) const;

  Session* const session_;
  Display* const display_;
  EventQueue* const events_;
  const WatchOptions options_;
  std::vector<Torrent> torrents_;
  std::set<std::string> told_;  // notes that were told and need no repetition
  TimePoint next_json_;
  TimePoint next_log_;
  uint64_t came_ = 0;  // bytes that had come when last something came
  TimePoint came_at_;
  bool timed_out_ = false;
  bool reader_gone_ = false;
};

}  // namespace torrent

#endif  // TORRENT_CLI_WATCH_H_
