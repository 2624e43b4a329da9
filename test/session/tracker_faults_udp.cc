#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "net/udp_port.h"
#include "test/session/tracker_faults.h"

namespace torrent::test {
namespace {

using Datagrams = std::vector<std::string>;
using UdpRequest = FakeUdpTracker::Request;

// Connects everybody, and answers an announce with what `answer` makes of it.
FakeUdpTracker::Script ToAnnounces(std::function<Datagrams(const UdpRequest&)> answer) {
  return [answer = std::move(answer)](const UdpRequest& request, size_t) -> Datagrams {
    if (request.action() == 0) return {request.Connected()};
    return answer(request);
  };
}

std::string WithOtherId(std::string reply) {
  reply[5] = static_cast<char>(reply[5] ^ 1);
  return reply;
}
std::string WithAction(std::string reply, uint8_t action) {
  reply[3] = static_cast<char>(action);
  return reply;
}

std::vector<Endpoint> ManyOnLoopback(const Endpoint& honest, size_t count) {
  std::vector<Endpoint> peers = {honest};
  while (peers.size() < count) {
    peers.push_back({*Address::Parse(absl::StrCat("127.5.", peers.size() / 256, ".", peers.size() % 256)), 1});
  }
  return peers;
}

}  // namespace

std::vector<UdpFault> UdpFaults(bool hanging) {
  std::vector<UdpFault> faults;
  const auto add = [&faults](const char* name, int row, Outcome outcome, const char* says,
                             std::function<FakeUdpTracker::Script(const Surroundings&)> script) {
    faults.push_back({name, row, outcome, says, std::move(script)});
  };
  const auto hangs = [&](const char* name, int row, FakeUdpTracker::Script script) {
    add(name, row, Outcome::kHangs, "", [script](const Surroundings&) { return script; });
  };
  // The announce is answered rightly, behind what `before` makes of it.
  const auto behind = [&](const char* name, int row,
                          std::function<Datagrams(const UdpRequest&, const std::string&)> before) {
    add(name, row, Outcome::kAnswered, "", [before](const Surroundings& around) -> FakeUdpTracker::Script {
      return [before, honest = around.honest](const UdpRequest& request, size_t) {
        const std::string good = request.action() == 0 ? request.Connected() : request.Announced({honest});
        Datagrams replies = before(request, good);
        replies.push_back(good);
        return replies;
      };
    });
  };
  // Of its announce, whose peers begin with the honest one.
  const auto announces = [&](const char* name, int row,
                             std::function<Datagrams(const UdpRequest&, const Endpoint&)> answer) {
    add(name, row, Outcome::kAnswered, "", [answer](const Surroundings& around) {
      return ToAnnounces(
          [answer, honest = around.honest](const UdpRequest& request) { return answer(request, honest); });
    });
  };

  hangs("IsSilent", 83, [](const UdpRequest&, size_t) { return Datagrams(); });
  hangs("IsSilentOnceItHasConnected", 83, ToAnnounces([](const UdpRequest&) { return Datagrams(); }));
  hangs("AnswersWithOtherIds", 83, [](const UdpRequest& request, size_t) -> Datagrams {
    return {WithOtherId(request.action() == 0 ? request.Connected() : request.Announced({}))};
  });
  hangs("AnswersShortConnects", 78, [](const UdpRequest& request, size_t) -> Datagrams {
    Datagrams replies;
    for (size_t size = 0; size < 16; size++) replies.push_back(request.Connected().substr(0, size));
    return replies;
  });
  hangs("AnswersShortAnnounces", 78, ToAnnounces([](const UdpRequest& request) {
          Datagrams replies;
          for (size_t size = 0; size < 20; size++) replies.push_back(request.Announced({}).substr(0, size));
          return replies;
        }));
  hangs("AnswersAnnouncesWithConnects", 83,
        ToAnnounces([](const UdpRequest& request) -> Datagrams { return {request.Connected()}; }));
  hangs("AnswersWithUnknownActions", 83, [](const UdpRequest& request, size_t) -> Datagrams {
    return {WithAction(request.Announced({}), 4), WithAction(request.Announced({}), 0xff)};
  });
  hangs("AnswersWithTheLargestDatagrams", 78, [](const UdpRequest&, size_t) -> Datagrams {
    return {std::string(65'507, '\xff'), std::string(65'507, '\0')};
  });
  hangs("FloodsWithNoise", 78, [](const UdpRequest&, size_t) { return Datagrams(5000, std::string(100, '\xee')); });
  hangs("AnswersFromAnotherPort", 83,
        [stranger = std::shared_ptr<UdpPort>(*UdpPort::Open(0, BindOptions()))](const UdpRequest& request,
                                                                                size_t) -> Datagrams {
          static_cast<void>(
              stranger->Send(request.from, request.action() == 0 ? request.Connected() : request.Announced({})));
          return {};
        });

  add("RefusesToConnect", 83, Outcome::kRefused, "the tracker refuses: go away", [](const Surroundings&) {
    return [](const UdpRequest& request, size_t) -> Datagrams { return {request.Refused("go away")}; };
  });
  add("RefusesEveryId", 83, Outcome::kRefused, "the tracker refuses: id expired", [](const Surroundings&) {
    return ToAnnounces([](const UdpRequest& request) -> Datagrams { return {request.Refused("id expired")}; });
  });
  add("RefusesWithTheLargestDatagramOfControls", 8, Outcome::kRefused, "the tracker refuses", [](const Surroundings&) {
    return ToAnnounces([](const UdpRequest& request) -> Datagrams {
      std::string reason;
      while (reason.size() < 65'000) reason += "\x1b[2J\r\n\xff";
      return {request.Refused(reason)};
    });
  });

  behind("SendsAnEmptyDatagramFirst", 78, [](const UdpRequest&, const std::string&) -> Datagrams { return {""}; });
  behind("SendsEveryPrefixFirst", 78, [](const UdpRequest& request, const std::string& good) {
    Datagrams replies;
    for (size_t size = 0; size < (request.action() == 0 ? 16u : 20u); size++) replies.push_back(good.substr(0, size));
    return replies;
  });
  behind("SendsOtherIdsFirst", 83, [](const UdpRequest&, const std::string& good) -> Datagrams {
    return {WithOtherId(good), WithOtherId(good)};
  });
  behind("SendsOtherActionsFirst", 83, [](const UdpRequest&, const std::string& good) -> Datagrams {
    return {WithAction(good + std::string(8, '\0'), good[3] == 0 ? 1 : 0), WithAction(good, 2)};
  });
  behind("SendsBencodeFirst", 78, [](const UdpRequest&, const std::string&) -> Datagrams {
    return {"d1:ad2:id20:01234567890123456789e1:q4:ping1:t2:aa1:y1:qe", "d14:failure reason2:noe"};
  });
  // The announce of the completion meets an id that is known no more.
  add("ForgetsItsIdsOnce", 83, Outcome::kAnswered, "", [](const Surroundings& around) -> FakeUdpTracker::Script {
    return [honest = around.honest, id = uint64_t{1}](const UdpRequest& request, size_t n) mutable -> Datagrams {
      if (n == 2) id++;
      if (request.action() == 0) return {request.Connected(id)};
      if (request.connection_id() != id) return {request.Refused("connection id expired")};
      return {request.Announced({honest})};
    };
  });
  announces("NamesTenThousandPeers", 76, [](const UdpRequest& request, const Endpoint& honest) -> Datagrams {
    return {request.Announced(ManyOnLoopback(honest, 10'900))};
  });
  announces("HasAnOddList", 77, [](const UdpRequest& request, const Endpoint& honest) -> Datagrams {
    return {request.Announced({honest}) + "odd"};
  });
  announces("NamesForbiddenPeers", 69, [](const UdpRequest& request, const Endpoint& honest) -> Datagrams {
    std::vector<Endpoint> peers = {honest};
    for (const char* text : {"169.254.169.254:80", "224.0.0.1:6881", "255.255.255.255:6881", "0.0.0.0:6881"}) {
      peers.push_back(*Endpoint::Parse(text));
    }
    peers.push_back({Address::V4Loopback(), 0});
    return {request.Announced(peers)};
  });
  for (const auto& [name, interval] :
       std::vector<std::pair<const char*, uint32_t>>{{"HasIntervalZero", 0},
                                                     {"HasANegativeInterval", 0xffff'ffff},
                                                     {"HasAnIntervalOfTwoToThe31", 0x8000'0000},
                                                     {"HasTheLargestInterval", 0x7fff'ffff}}) {
    announces(name, 82, [interval = interval](const UdpRequest& request, const Endpoint& honest) -> Datagrams {
      return {request.Announced({honest}, interval, 0xffff'ffff, 0x8000'0000)};
    });
  }
  announces("AnswersAThousandTimes", 83, [](const UdpRequest& request, const Endpoint& honest) {
    return Datagrams(1000, request.Announced({honest}));
  });
  faults.erase(
      std::remove_if(faults.begin(), faults.end(),
                     [hanging](const UdpFault& fault) { return (fault.outcome == Outcome::kHangs) != hanging; }),
      faults.end());
  return faults;
}

}  // namespace torrent::test
