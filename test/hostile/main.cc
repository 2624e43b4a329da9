// hostile_peers: honest and hostile peers of one torrent on loopback, for tests that run the whole program
// (test/peers/hostile.py). What the hostile ones do stands in test/support/hostile_peers.h.
//
//   hostile_peers --list                             names, one a line: "NAME HAZARDS ROLE ENDING"
//   hostile_peers OPTIONS FOLDER NAME...             plays until its standard input ends
//     --size BYTES --piece BYTES                     of the torrent
//     --honest N --rate BYTES                        so many seeders, each connection at that many bytes a second
//     --hostile-rate BYTES                           what the hostile ones give honestly; without it all that is asked
//     --at HOST:PORT                                 the hostile ones dial a seeder there, again whenever they are sent
//                                                    away, in place of listening
//     --crowd N                                      and so many connections are made to it that say nothing, or half a
//                                                    handshake, or a whole one and nothing more
//
// Writes FOLDER/hostile.torrent and its payload FOLDER/hostile.bin. Prints a line of JSON when all is ready, one
// when all of the crowd has come, and one with what happened at the end.
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <list>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/clock.h"
#include "base/thread.h"
#include "test/support/files.h"
#include "test/support/hostile_peers.h"

namespace torrent::test {
namespace {

struct Options {
  bool list = false;
  uint64_t size = 4 << 20;
  uint32_t piece = 64 << 10;
  int honest = 0;
  double rate = 0;
  double hostile_rate = 0;
  int crowd = 0;
  absl::optional<Endpoint> at;
  std::string folder;
  std::vector<std::string> names;
};

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i++) {
    const absl::string_view word = argv[i];
    if (word == "--list") {
      options->list = true;
    } else if (word.substr(0, 2) != "--") {
      if (options->folder.empty()) {
        options->folder = argv[i];
      } else {
        options->names.push_back(argv[i]);
      }
    } else if (++i == argc) {
      return false;
    } else if (word == "--at") {
      options->at = Endpoint::Parse(argv[i]);
      if (!options->at) return false;
    } else if (!(word == "--size"           ? absl::SimpleAtoi(argv[i], &options->size)
                 : word == "--piece"        ? absl::SimpleAtoi(argv[i], &options->piece)
                 : word == "--honest"       ? absl::SimpleAtoi(argv[i], &options->honest)
                 : word == "--rate"         ? absl::SimpleAtod(argv[i], &options->rate)
                 : word == "--hostile-rate" ? absl::SimpleAtod(argv[i], &options->hostile_rate)
                 : word == "--crowd"        ? absl::SimpleAtoi(argv[i], &options->crowd)
                                            : false)) {
      return false;
    }
  }
  return options->list || !options->folder.empty();
}

int List() {
  const char* const roles[] = {"both", "listens", "dials"};
  const char* const endings[] = {"dropped", "banned", "refused", "stays", "leaves"};
  for (const HostilePeer& peer : HostilePeers(Payload("hostile.bin", 1 << 20, 64 << 10))) {
    std::string hazards = peer.hazards;
    for (char& c : hazards) c = c == ' ' ? ',' : c;
    printf("%s %s %s %s\n", peer.name.c_str(), hazards.c_str(), roles[static_cast<int>(peer.role)],
           endings[static_cast<int>(peer.ending)]);
  }
  return 0;
}

bool StandardInputEnds(int milliseconds) {
  pollfd polled = {STDIN_FILENO, POLLIN, 0};
  char byte;
  return poll(&polled, 1, milliseconds) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

// Connections that come to a seeder and never say what it waits for: nothing at all, half a handshake, or a whole one
// and nothing more.
class Crowd {
 public:
  Crowd(const Payload& payload, const Endpoint& at, int size) : payload_(payload), at_(at), size_(size) {}

  // Some of those that are still to come; called every 20 ms. What the seeder's queue of the system has no room for
  // waits.
  // True when all have come.
  bool Step() {
    for (int i = 0; i < 10 && made_ < size_; i++) {
      const std::string from = absl::StrCat("127.2.", made_ / 250, ".", 1 + made_ % 250);
      std::unique_ptr<PeerConnection> peer = PeerConnection::Dial(at_, from);
      if (peer == nullptr) return false;
      const std::string hello = wire::EncodeHandshake(HandshakeOf(payload_.metainfo()->infohash, from, false));
      peer->TrySend(hello.substr(0, hello.size() * static_cast<size_t>(made_ % 3) / 2));
      here_.push_back(std::move(peer));
      made_++;
    }
    return made_ == size_;
  }
  int made() const { return made_; }

 private:
  const Payload& payload_;
  const Endpoint at_;
  const int size_;
  int made_ = 0;
  std::vector<std::unique_ptr<PeerConnection>> here_;
};

// Names that need no escaping, and values as they stand.
template <typename Value>
std::string JsonObject(const std::map<std::string, Value>& values) {
  return absl::StrCat("{",
                      absl::StrJoin(values, ", ",
                                    [](std::string* out, const auto& entry) {
                                      absl::StrAppend(out, "\"", entry.first, "\": ", entry.second);
                                    }),
                      "}");
}

int Run(const Options& options) {
  const Payload payload("hostile.bin", options.size, options.piece);
  WriteFile(options.folder + "/hostile.torrent", payload.torrent_file());
  payload.PutFiles(options.folder);

  std::list<ScriptedSeeder> seeders;
  std::map<std::string, ScriptedSeeder*> hostile;
  std::vector<std::string> honest_places;
  std::map<std::string, std::string> hostile_places;
  for (int i = 0; i < options.honest; i++) {
    ScriptedSeeder::Manner manner;
    manner.name = absl::StrCat("honest ", i);
    manner.rate = options.rate;
    seeders.emplace_back(&payload, manner, absl::StrCat("127.0.1.", i + 1));
    honest_places.push_back(absl::StrCat("\"", seeders.back().address(), "\""));
  }
  int address = 0;
  for (HostilePeer& peer : HostilePeers(payload)) {
    address++;
    peer.manner.rate = options.hostile_rate;
    if (std::find(options.names.begin(), options.names.end(), peer.name) == options.names.end()) continue;
    seeders.emplace_back(&payload, peer.manner, absl::StrCat("127.0.2.", address));
    hostile[peer.name] = &seeders.back();
    hostile_places[peer.name] = absl::StrCat("\"", seeders.back().address(), "\"");
  }
  // Where no hint of a peer may lead: a port below 1024.
  ScriptedSeeder::Manner manner;
  manner.instead = [](ScriptedSeeder::Line& line) { line.ReadUntilClosed(); };
  ScriptedSeeder trap(&payload, manner, "127.0.9.9", /*port=*/1023);
  for (ScriptedSeeder& seeder : seeders) seeder.Open();
  printf("{\"honest\": [%s], \"hostile\": %s}\n", absl::StrJoin(honest_places, ", ").c_str(),
         JsonObject(hostile_places).c_str());
  fflush(stdout);

  // The crowd comes when each of the hostile has had its turn: it takes all places that there are.
  const TimePoint crowd_comes = Now() + std::chrono::seconds(2);
  Crowd crowd(payload, options.at.value_or(Endpoint()), options.at ? options.crowd : 0);
  std::atomic<bool> stop{false};
  Thread crowding = *Thread::Start("crowd", [&] {
    while (options.crowd > 0 && !stop.load()) {
      if (Now() >= crowd_comes && crowd.Step()) {
        printf("{\"crowd\": %d}\n", crowd.made());
        fflush(stdout);
        return;
      }
      usleep(20'000);
    }
  });
  while (!StandardInputEnds(100)) {
    if (!options.at) continue;
    for (auto& [name, seeder] : hostile) {
      if (seeder->live_connections() == 0) seeder->Dial(*options.at);
    }
  }
  stop.store(true);
  crowding.Join();
  std::map<std::string, int> delivered, connections;
  for (auto& [name, seeder] : hostile) {
    delivered[name] = seeder->delivered();
    connections[name] = seeder->connections();
  }
  printf("{\"delivered\": %s, \"connections\": %s, \"trapped\": %d, \"crowd\": %d}\n", JsonObject(delivered).c_str(),
         JsonObject(connections).c_str(), trap.connections(), crowd.made());
  return 0;
}

}  // namespace
}  // namespace torrent::test

int main(int argc, char** argv) {
  torrent::test::Options options;
  if (!torrent::test::Parse(argc, argv, &options)) {
    fprintf(stderr, "hostile_peers: see the head of test/hostile/main.cc\n");
    return 2;
  }
  rlimit descriptors;
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  return options.list ? torrent::test::List() : torrent::test::Run(options);
}
