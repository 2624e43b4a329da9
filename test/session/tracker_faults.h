// The faults of trackers and of HTTP servers that a download must survive: one table over HTTP, one over UDP. Each
// names the row of the list of hazards that it belongs to, what the server does, and what is to become of the announce.
// Faults of certificates and of places that a test on loopback cannot have are in test/peers/bad_trackers.py. Values.
#ifndef TORRENT_TEST_SESSION_TRACKER_FAULTS_H_
#define TORRENT_TEST_SESSION_TRACKER_FAULTS_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/endpoint.h"
#include "test/servers/scripted_server.h"
#include "test/support/fake_udp_tracker.h"

namespace torrent::test {

enum class Outcome {
  kRefused,   // an error, at once: the next tracker is asked
  kAnswered,  // an answer, of which the bad parts are left out: its one good peer, the honest one, is found by it
  kHangs,     // no answer as long as the test takes: whoever else is known serves meanwhile
};

// What a script may point at.
struct Surroundings {
  Endpoint honest;   // a peer that has everything
  std::string trap;  // "127.0.0.1:port": of a listener that nobody may come to unless a fault says so
};

struct HttpFault {
  std::string name;
  int row = 0;
  Outcome outcome = Outcome::kRefused;
  std::string says;  // stands in the announce's error
  std::function<ScriptedServer::Script(const Surroundings&)> script;
  bool speaks_first = false;  // does not wait for a request
  std::string scheme = "http";
  int visitors_of_trap = 0;
};
// Those that hang, or all others.
std::vector<HttpFault> HttpFaults(bool hanging);

struct UdpFault {
  std::string name;
  int row = 0;
  Outcome outcome = Outcome::kRefused;
  std::string says;
  std::function<FakeUdpTracker::Script(const Surroundings&)> script;
};
std::vector<UdpFault> UdpFaults(bool hanging);

// How a test that fails names its fault.
inline void PrintTo(const HttpFault& fault, std::ostream* out) { *out << fault.name << ", hazard " << fault.row; }
inline void PrintTo(const UdpFault& fault, std::ostream* out) { *out << fault.name << ", hazard " << fault.row; }

}  // namespace torrent::test

#endif  // TORRENT_TEST_SESSION_TRACKER_FAULTS_H_
