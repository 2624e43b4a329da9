#include <algorithm>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "test/net/gzip.h"
#include "test/session/tracker_faults.h"

namespace torrent::test {
namespace {

using Connection = ScriptedServer::Connection;
using HttpScript = ScriptedServer::Script;

// As much of an endless answer as a client may take before the test gives up on it.
constexpr uint64_t kEndless = uint64_t{1} << 30;

std::string Framed(absl::string_view fields, absl::string_view body, int status = 200) {
  return absl::StrCat("HTTP/1.1 ", status, " Text\r\n", fields, "Content-Length: ", body.size(), "\r\n\r\n", body);
}
std::string InChunks(absl::string_view chunks) {
  return absl::StrCat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks);
}
std::string Zipped(absl::string_view body) { return Framed("Content-Encoding: gzip\r\n", body); }
std::string MovedTo(absl::string_view location) {
  return Framed(absl::StrCat("Location: ", location, "\r\n"), "", 302);
}
std::string BencodedString(absl::string_view text) { return absl::StrCat(text.size(), ":", text); }

// An answer that names the honest peer, among other things.
std::string Naming(const Surroundings& around, absl::string_view before, absl::string_view more_peers = "",
                   absl::string_view after = "") {
  std::string peers;
  around.honest.AppendCompact(&peers);
  return Framed("", absl::StrCat("d", before, "5:peers", BencodedString(peers + std::string(more_peers)), after, "e"));
}

// Peers on this machine, where nobody listens.
std::string ManyPeers(uint32_t count) {
  std::string compact;
  for (uint32_t i = 0; i < count; i++) {
    compact += {'\x7f', static_cast<char>(1 + i / 65536), static_cast<char>(i >> 8), static_cast<char>(i), '\0', '\1'};
  }
  return compact;
}

std::string ManyDictionaries(uint32_t count) {
  std::string list = "d8:intervali1800e5:peersl";
  for (uint32_t i = 0; i < count; i++) list += "d2:ip9:127.9.9.94:porti1ee";
  return list + "ee";
}

std::string RandomBytes(size_t size) {
  Random random(69);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Below(256));
  return bytes;
}

// --- Scripts -------------------------------------------------------------------------------------------------------
std::function<HttpScript(const Surroundings&)> Says(std::string answer) {
  return [answer = std::move(answer)](const Surroundings&) { return ScriptedServer::Always(answer); };
}
std::function<HttpScript(const Surroundings&)> SaysAndHangs(std::string answer) {
  return [answer = std::move(answer)](const Surroundings&) -> HttpScript {
    return [answer](Connection* connection) {
      connection->Send(answer);
      connection->WaitForHangUp();
    };
  };
}
std::function<HttpScript(const Surroundings&)> SaysAndResets(std::string answer) {
  return [answer = std::move(answer)](const Surroundings&) -> HttpScript {
    return [answer](Connection* connection) {
      connection->Send(answer);
      connection->Reset();
    };
  };
}
std::function<HttpScript(const Surroundings&)> SaysForEver(std::string begin, std::string piece) {
  return [begin = std::move(begin), piece = std::move(piece)](const Surroundings&) -> HttpScript {
    return [begin, piece](Connection* connection) {
      connection->Send(begin);
      connection->SendForever(piece, kEndless);
    };
  };
}
std::function<HttpScript(const Surroundings&)> Drips(std::string begin, std::string rest) {
  return [begin = std::move(begin), rest = std::move(rest)](const Surroundings&) -> HttpScript {
    return [begin, rest](Connection* connection) {
      connection->Send(begin);
      connection->Drip(rest, std::chrono::milliseconds(10));
    };
  };
}
std::function<HttpScript(const Surroundings&)> Moves(std::string location) {
  return [location = std::move(location)](const Surroundings& around) {
    const size_t at = location.find("TRAP");
    const std::string there =
        at == std::string::npos ? location : absl::StrCat(location.substr(0, at), around.trap, location.substr(at + 4));
    return ScriptedServer::Always(MovedTo(there));
  };
}
// What `answer` makes of the surroundings, every time.
std::function<HttpScript(const Surroundings&)> Answers(std::function<std::string(const Surroundings&)> answer) {
  return [answer = std::move(answer)](const Surroundings& around) { return ScriptedServer::Always(answer(around)); };
}
std::function<HttpScript(const Surroundings&)> AnswersNaming(std::string before, std::string more_peers = "",
                                                             std::string after = "") {
  return Answers([=](const Surroundings& around) { return Naming(around, before, more_peers, after); });
}

std::function<HttpScript(const Surroundings&)> MovesInACircle() {
  return [](const Surroundings&) -> HttpScript {
    return [](Connection* connection) {
      connection->Send(
          MovedTo(absl::StrContains(connection->request(), "/announce/a") ? "/announce/b" : "/announce/a"));
    };
  };
}
// Each time one step further.
std::function<HttpScript(const Surroundings&)> MovesOnAndOn() {
  return [](const Surroundings&) -> HttpScript {
    return
        [step = 0](Connection* connection) mutable { connection->Send(MovedTo(absl::StrCat("/announce/", ++step))); };
  };
}
std::function<HttpScript(const Surroundings&)> MovesToWhereItHangs() {
  return [](const Surroundings&) -> HttpScript {
    return [](Connection* connection) {
      if (absl::StrContains(connection->request(), "/announce/hang")) {
        connection->WaitForHangUp();
      } else {
        connection->Send(MovedTo("/announce/hang"));
      }
    };
  };
}

constexpr char kHead[] = "HTTP/1.1 200 OK\r\n";
constexpr char kLength[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";

void AddFaultsOfConnections(std::vector<HttpFault>* faults) {
  const auto refused = [faults](const char* name, int row, const char* says, auto script, bool first = false) {
    faults->push_back({name, row, Outcome::kRefused, says, std::move(script), first});
  };
  const auto hangs = [faults](const char* name, int row, auto script, bool first = false) {
    faults->push_back({name, row, Outcome::kHangs, "", std::move(script), first});
  };
  hangs("HangsWithoutReading", 81, SaysAndHangs(""), true);
  hangs("HangsBeforeTheAnswer", 81, SaysAndHangs(""));
  hangs("HangsInTheStatusLine", 81, SaysAndHangs("HTTP/1.1 2"));
  hangs("HangsInTheHead", 126, SaysAndHangs(kHead));
  hangs("HangsInTheBody", 81, SaysAndHangs(absl::StrCat(kLength, "d8:interval")));
  hangs("HangsInAChunk", 92, SaysAndHangs(InChunks("64\r\nd8:interval")));
  hangs("HangsBetweenChunks", 92, SaysAndHangs(InChunks("1\r\nd\r\n")));
  hangs("DripsItsHead", 126, Drips(kHead, std::string(15'000, 'h')));
  hangs("DripsItsBody", 126, Drips("HTTP/1.1 200 OK\r\nContent-Length: 15000\r\n\r\n", std::string(15'000, 'b')));
  hangs("DripsChunks", 126, Drips(InChunks(""), [] {
          std::string chunks;
          for (int i = 0; i < 3000; i++) chunks += "1\r\nx\r\n";
          return chunks;
        }()));
  refused("ResetsAtOnce", 79, "", SaysAndResets(""), true);
  refused("ClosesAtOnce", 79, "", Says(""), true);
  refused("ResetsInsteadOfAnswering", 79, "", SaysAndResets(""));
  refused("ClosesInsteadOfAnswering", 79, "closed", Says(""));
  refused("ResetsInTheHead", 79, "", SaysAndResets(absl::StrCat(kHead, "Content-Le")));
  refused("ClosesInTheHead", 79, "cut off in its head", Says(absl::StrCat(kHead, "Content-Le")));
  refused("ResetsInTheBody", 79, "", SaysAndResets(absl::StrCat(kLength, "d8:interval")));
  refused("ClosesInTheBody", 75, "89 bytes of the body are missing", Says(absl::StrCat(kLength, "d8:interval")));
  refused("ClosesInItsChunks", 75, "cut off in its chunks", Says(InChunks("64\r\nd8:interval")));
}

void AddFaultsOfHeads(std::vector<HttpFault>* faults) {
  const auto refused = [faults](const char* name, int row, const char* says, auto script, bool first = false) {
    faults->push_back({name, row, Outcome::kRefused, says, std::move(script), first});
  };
  refused("IsNoiseInsteadOfHttp", 93, "HTTP answer", Says(RandomBytes(100'000)));
  refused("IsNoiseBeforeTheRequest", 93, "", SaysForEver("", RandomBytes(65'536)), true);
  refused("IsBencodeWithoutHttp", 93, "no status line", Says("d8:intervali1800e5:peers0:e\r\n"));
  refused("SpeaksAnotherVersion", 93, "no status line", Says("HTTP/2 200 OK\r\n\r\n"));
  refused("SpeaksTls", 93, "", Says(std::string("\x15\x03\x01\0\x02\x02\x28", 7)), true);
  refused("HasANulInItsStatusLine", 93, "control character", Says(std::string("HTTP/1.1 200 O\0K\r\n\r\n", 20)));
  refused("HasAStatusLineOfAMebibyte", 126, "status line longer",
          Says(absl::StrCat("HTTP/1.1 200 ", std::string(1 << 20, 'r'), "\r\n\r\n")));
  refused("HasAnEndlessStatusLine", 126, "status line longer", SaysForEver("HTTP/1.1 200 ", std::string(4096, 'r')));
  refused("HasEndlessFields", 93, "more than 100 header fields", SaysForEver(kHead, "Set-Cookie: a=b; path=/\r\n"));
  refused("HasAnEndlessField", 93, "header fields longer",
          SaysForEver("HTTP/1.1 200 OK\r\nX: ", std::string(4096, 'x')));
  refused("HasFieldsOfAKibibyteForEver", 93, "header fields longer",
          SaysForEver(kHead, absl::StrCat("X: ", std::string(1020, 'x'), "\r\n")));
  refused("HasAFieldWithoutAName", 93, "no header field", Says("HTTP/1.1 200 OK\r\n: x\r\n\r\n"));
  refused("ColoursTheTerminalInAField", 93, "control character", Says("HTTP/1.1 200 OK\r\nX: \x1b[31m\r\n\r\n"));
  refused("FloodsInterimAnswers", 93, "unexpected status 100", SaysForEver("", "HTTP/1.1 100 Continue\r\n\r\n"));
  refused("SwitchesProtocols", 93, "unexpected status 101", Says("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
  refused("AnswersAPart", 75, "206", Says(Framed("Content-Range: bytes 0-9999999999999999999999/1\r\n", "d", 206)));
  refused("IsBusy", 79, "HTTP status 503", Says(Framed("Retry-After: 0\r\n", "<html>", 503)));
}

void AddFaultsOfBodies(std::vector<HttpFault>* faults) {
  const auto refused = [faults](const char* name, int row, const char* says, auto script) {
    faults->push_back({name, row, Outcome::kRefused, says, std::move(script)});
  };
  refused("HasANegativeLength", 75, "content length", Says("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nde"));
  refused("HasALengthOfTwentyDigits", 75, "content length",
          Says("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\nde"));
  refused("HasTwoLengths", 75, "two content lengths", Says(Framed("Content-Length: 3\r\n", "de")));
  refused("HasALengthThatIsTooShort", 75, "tracker's reply",
          Says("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nd8:intervali1800e5:peers0:e"));
  refused("AnnouncesTwoGibibytes", 76, "body of 2147483648 bytes",
          SaysForEver("HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n", std::string(65'536, 'b')));
  refused("HasAnEndlessBody", 76, "body longer", SaysForEver("HTTP/1.1 200 OK\r\n\r\n", std::string(65'536, 'b')));
  refused("HasEndlessChunks", 92, "chunk of",
          SaysForEver(InChunks(""), absl::StrCat("1000\r\n", std::string(4096, 'c'), "\r\n")));
  refused("HasEndlessChunksOfOneByte", 92, "chunk of", SaysForEver(InChunks(""), [] {
            std::string chunks;
            for (int i = 0; i < 10'000; i++) chunks += "1\r\nx\r\n";
            return chunks;
          }()));
  refused("HasAnEndlessChunkExtension", 92, "line of a chunk longer",
          SaysForEver(InChunks("1;"), std::string(4096, 'e')));
  refused("HasAChunkSizeThatOverflows", 75, "chunk size", Says(InChunks("10000000000000001\r\nd\r\n0\r\n\r\n")));
  refused("HasTheLargestChunkSize", 75, "chunk of", Says(InChunks("FFFFFFFFFFFFFFFF\r\nd\r\n0\r\n\r\n")));
  refused("HasANegativeChunkSize", 75, "chunk size", Says(InChunks("-1\r\nd\r\n0\r\n\r\n")));
  refused("HasAChunkLongerThanItsSize", 75, "chunk longer", Says(InChunks("1\r\nde\r\n0\r\n\r\n")));
  refused("HasTrailersForEver", 92, "field behind", SaysForEver(InChunks("2\r\nde\r\n0\r\n"), "X: y\r\n"));
  refused("IsChunkedAndHasALength", 75, "chunked and a content length",
          Says(Framed("Transfer-Encoding: chunked\r\n", "de")));
  refused("IsAGzipBomb", 74, "inflate to more",
          Answers([](const Surroundings&) { return Zipped(Gzip(std::string(64 << 20, '\0'))); }));
  refused("IsASlowGzipBomb", 74, "inflate to more", Answers([](const Surroundings&) {
            return Zipped(Gzip(absl::StrCat(RandomBytes(20'000), std::string(2 << 20, '\0'))));
          }));
  refused("IsTruncatedGzip", 74, "cut short", [] {
    const std::string whole = Gzip("d8:intervali1800e5:peers0:e");
    return Says(Zipped(absl::string_view(whole).substr(0, whole.size() - 5)));
  }());
  refused("HasSomethingBehindItsGzip", 74, "behind the end", Says(Zipped(Gzip("d5:peers0:e") + "de")));
  refused("IsNoGzipThoughItSaysSo", 74, "gzip: damaged", Says(Zipped("d8:intervali1800e5:peers0:e")));
  refused("IsCompressedTwice", 74, "content encoding",
          Says(Framed("Content-Encoding: gzip, gzip\r\n", Gzip(Gzip("de")))));
  refused("IsCompressedAsNobodyAsked", 74, "content encoding", Says(Framed("Content-Encoding: br\r\n", "xx")));
}

void AddFaultsOfRedirects(std::vector<HttpFault>* faults) {
  const auto refused = [faults](const char* name, int row, const char* says, auto script) {
    faults->push_back({name, row, Outcome::kRefused, says, std::move(script)});
  };
  refused("MovesToItself", 70, "circle", Moves("/announce/here"));
  refused("MovesInACircle", 70, "circle", MovesInACircle());
  refused("MovesOnAndOn", 70, "more than 5 redirects", MovesOnAndOn());
  refused("MovesNowhere", 70, "redirect without a location", Says(Framed("", "", 302)));
  refused("MovesToAFile", 70, "is not http", Moves("file:///etc/passwd"));
  refused("MovesToFtp", 70, "is not http", Moves("ftp://TRAP/announce"));
  refused("MovesToAnotherScheme", 70, "is not http", Moves("gopher://TRAP/announce"));
  refused("MovesToUdp", 70, "udp is not http", Moves("udp://TRAP/announce"));
  refused("MovesToAServiceOfThisMachine", 69, "a tracker on this machine", Moves("http://TRAP/admin"));
  refused("MovesToAServiceByName", 69, "a tracker on this machine", [](const Surroundings& around) {
    return ScriptedServer::Always(
        MovedTo(absl::StrCat("http://localhost", around.trap.substr(around.trap.find(':')), "/")));
  });
  refused("MovesToAServiceByNumber", 69, "a tracker on this machine", [](const Surroundings& around) {
    return ScriptedServer::Always(
        MovedTo(absl::StrCat("http://2130706433", around.trap.substr(around.trap.find(':')), "/")));
  });
  refused("MovesToAServiceBehindAMappedAddress", 69, "a tracker on this machine", [](const Surroundings& around) {
    return ScriptedServer::Always(
        MovedTo(absl::StrCat("http://[::ffff:127.0.0.1]", around.trap.substr(around.trap.find(':')), "/")));
  });
  refused("MovesToAServiceBehindDots", 69, "a tracker on this machine", Moves("http://TRAP/announce/../admin"));
  refused("MovesToAServiceBehindEscapes", 69, "a tracker on this machine", Moves("http://TRAP/announce/%2e%2e/admin"));
  refused("MovesToTheUnspecifiedAddress", 69, "may not lead there", [](const Surroundings& around) {
    return ScriptedServer::Always(
        MovedTo(absl::StrCat("http://0.0.0.0", around.trap.substr(around.trap.find(':')), "/announce")));
  });
  refused("MovesToLinkLocal", 69, "link-local", Moves("http://169.254.169.254/announce"));
  refused("MovesToMulticast", 69, "multicast", Moves("http://224.0.0.1/announce"));
  refused("MovesToPunycode", 35, "punycode", Moves("http://xn--trcker-8wa.example/announce"));
  refused("MovesToASplitLine", 96, "control character", Moves("/announce\rX: y"));
  refused("MovesToALocationOfAMebibyte", 93, "header fields longer",
          Moves(absl::StrCat("/announce?", std::string(1 << 20, 'l'))));
  faults->push_back({"MovesToWhereItHangs", 81, Outcome::kHangs, "", MovesToWhereItHangs()});
  // Allowed, but nothing that identifies the user goes along.
  faults->push_back(
      {"MovesToAnotherOrigin", 73, Outcome::kRefused, "tracker's reply", Moves("http://u:p@TRAP/announce")});
  faults->back().visitors_of_trap = 1;
}

void AddFaultsOfReplies(std::vector<HttpFault>* faults) {
  const auto refused = [faults](const char* name, int row, const char* says, std::string body) {
    faults->push_back({name, row, Outcome::kRefused, says, Says(Framed("", body))});
  };
  // Made when it is wanted: these are large.
  const auto refused_large = [faults](const char* name, int row, const char* says, std::string (*body)()) {
    faults->push_back(
        {name, row, Outcome::kRefused, says, Answers([body](const Surroundings&) { return Framed("", body()); })});
  };
  const auto answered = [faults](const char* name, int row, auto script) {
    faults->push_back({name, row, Outcome::kAnswered, "", std::move(script)});
  };
  refused("IsEmpty", 77, "tracker's reply", "");
  refused("IsAWebPage", 77, "tracker's reply", "<html>not found</html>");
  refused("IsAList", 77, "not a dictionary", "le");
  refused("IsCutBencode", 77, "tracker's reply", "d8:intervali1800e5:peers6:abc");
  refused_large("IsNested", 16, "tracker's reply", [] { return std::string(1'000'000, 'l'); });
  refused_large("IsNestedInDictionaries", 16, "tracker\'s reply", [] {
    std::string body;
    for (int i = 0; i < 200'000; i++) body += "d1:a";
    return body;
  });
  refused("ClaimsAStringOfGigabytes", 17, "tracker's reply", "d5:peers4294967290:x");
  refused("ClaimsAStringOfTooManyDigits", 17, "tracker's reply", "d5:peers99999999999999999999:x");
  refused_large("HasAMillionPeers", 76, "bytes, at most 1048576",
                [] { return absl::StrCat("d5:peers", BencodedString(ManyPeers(1'000'000)), "e"); });
  refused_large("HasAMillionPeersAsDictionaries", 76, "bytes, at most 1048576",
                [] { return ManyDictionaries(1'000'000); });
  refused_large("HasFortyThousandPeersAsDictionaries", 76, "tracker\'s reply", [] { return ManyDictionaries(40'000); });
  refused_large("RefusesWithAMebibyteOfControls", 8, "the tracker refuses", [] {
    std::string reason;
    while (reason.size() < 1'000'000) reason += "\x1b[2J\x1b]0;owned\x07\r\n\xff\xfe";
    return absl::StrCat("d14:failure reason", BencodedString(reason), "e");
  });
  refused("RefusesForEver", 82, "the tracker refuses", "d14:failure reason2:no8:retry in5:nevere");
  refused("RefusesForABillionMinutes", 82, "the tracker refuses",
          "d14:failure reason2:no8:retry ini9223372036854775807ee");
  // Two thousand of them are taken.
  answered("HasAHundredSeventyThousandPeers", 76,
           Answers([](const Surroundings& around) { return Naming(around, "", ManyPeers(170'000)); }));
  answered("HasAnOddList", 77, AnswersNaming("", "\x7f\x01\x01\x01\x01"));
  answered("HasAnOddListOfV6", 77, AnswersNaming("", "", "6:peers619:0123456789012345678"));
  answered("NamesForbiddenPeers", 69,
           AnswersNaming("", std::string("\x7f\0\0\x01\0\0"                            // port 0
                                         "\xa9\xfe\xa9\xfe\0\x50\xe0\0\0\x01\x1a\xe1"  // link-local, multicast
                                         "\0\0\0\0\x1a\xe1\xff\xff\xff\xff\x1a\xe1",
                                         30)));
  answered("HasPeersThatAreNone", 77, Answers([](const Surroundings& around) {
             std::string peers = "i1e0:le";
             for (const char* peer : {"2:xxle", "2:ipi1e4:porti1e", "2:ip0:4:porti1e", "4:porti1e", "2:ip9:127.0.0.1",
                                      "2:ip9:127.0.0.14:porti65536e", "2:ip9:127.0.0.14:porti-1e",
                                      "2:ip9:127.0.0.14:porti0e", "2:ip9:127.0.0.14:port1:1"}) {
               absl::StrAppend(&peers, "d", peer, "e");
             }
             return Framed("", absl::StrCat("d5:peersl", peers, "d2:ip9:127.0.0.14:porti", around.honest.port, "eeee"));
           }));
  answered("HasIntervalZero", 82, AnswersNaming("8:intervali0e12:min intervali0e"));
  answered("HasANegativeInterval", 82, AnswersNaming("8:intervali-1e12:min intervali-1e"));
  answered("HasAnIntervalOfTwoToThe31", 82, AnswersNaming("8:intervali2147483648e12:min intervali2147483648e"));
  answered("HasTheLargestInterval", 82, AnswersNaming("8:intervali9223372036854775807e"));
  answered("HasNoInterval", 82, AnswersNaming(""));
  answered("HasIntervalsThatAreTexts", 82, AnswersNaming("8:interval4:180012:min interval2:no"));
  answered(
      "HasTypesAllWrong", 77,
      AnswersNaming(
          "8:completele10:downloaded2:xx11:external ip3:abc10:incompleted1:a1:be8:intervalle12:min intervald1:a1:be",
          "", "6:peers6i1e8:retry inle10:tracker idli1ee15:warning messagei1e"));
  answered("HasCountsBelowZero", 77, AnswersNaming("8:completei-1e10:incompletei-9223372036854775808e"));
  answered("HasATrackerIdOfAHalfMebibyte", 76,
           AnswersNaming("", "", absl::StrCat("10:tracker id", BencodedString(std::string(500'000, 'i')))));
  answered("WarnsInColours", 8,
           AnswersNaming("", "",
                         absl::StrCat("15:warning message",
                                      BencodedString(absl::StrCat("\x1b[31m", std::string(100'000, '\a'))))));
}

}  // namespace

std::vector<HttpFault> HttpFaults(bool hanging) {
  std::vector<HttpFault> faults;
  AddFaultsOfConnections(&faults);
  AddFaultsOfHeads(&faults);
  AddFaultsOfBodies(&faults);
  AddFaultsOfRedirects(&faults);
  AddFaultsOfReplies(&faults);
  // The client speaks TLS to somebody who does not.
  for (const auto& [name, script, outcome] :
       std::vector<std::tuple<const char*, std::function<HttpScript(const Surroundings&)>, Outcome>>{
           {"TlsHangs", SaysAndHangs(""), Outcome::kHangs},
           {"TlsIsNoise", Says(RandomBytes(70'000)), Outcome::kRefused},
           {"TlsIsPlainHttp", Says("HTTP/1.1 400 Bad Request\r\n\r\n"), Outcome::kRefused},
           {"TlsIsReset", SaysAndResets(""), Outcome::kRefused},
           {"TlsAnnouncesALongRecord", SaysAndHangs(std::string("\x16\x03\x03\xff\xff\x02", 6)), Outcome::kRefused},
           {"TlsDrips", Drips(std::string("\x16\x03\x03\x40\0\x02", 6), std::string(15'000, '\0')), Outcome::kHangs}}) {
    faults.push_back({name, 71, outcome, "", script, true, "https"});
  }
  faults.erase(
      std::remove_if(faults.begin(), faults.end(),
                     [hanging](const HttpFault& fault) { return (fault.outcome == Outcome::kHangs) != hanging; }),
      faults.end());
  return faults;
}

}  // namespace torrent::test
