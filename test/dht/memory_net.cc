#include "test/dht/memory_net.h"

#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/escaping.h"

namespace torrent {

Node* MemoryNet::AddNode(absl::string_view at, Node::Options options) {
  const Endpoint endpoint = At(at);
  options.v4 = endpoint.address.is_v4();
  options.send = [this, endpoint](const Endpoint& to, const std::string& bytes) { Send(endpoint, to, bytes); };
  nodes_.push_back(std::make_unique<Node>(std::move(options), now_));
  places_[endpoint].node = nodes_.back().get();
  return nodes_.back().get();
}

void MemoryNet::AddFake(absl::string_view at, std::function<void(const Datagram&)> take) {
  places_[At(at)].take = std::move(take);
}

void MemoryNet::Tick() {
  std::deque<Datagram> arriving = std::exchange(on_the_way_, {});
  now_ += std::chrono::milliseconds(10);
  for (const Datagram& datagram : arriving) {
    auto place = places_.find(datagram.to);
    if (place == places_.end()) continue;
    if (place->second.node != nullptr) place->second.node->Receive(datagram.from, datagram.bytes, now_);
    if (place->second.take) place->second.take(datagram);
  }
  for (const std::unique_ptr<Node>& node : nodes_) node->Step(now_);
}

void MemoryNet::Run(Duration time) {
  for (const TimePoint end = now_ + time; now_ < end;) Tick();
}

bool MemoryNet::RunUntil(const std::function<bool()>& condition, Duration limit) {
  for (const TimePoint end = now_ + limit; now_ < end && !condition();) Tick();
  return condition();
}

Endpoint At(absl::string_view endpoint) {
  const absl::optional<Endpoint> parsed = Endpoint::Parse(endpoint);
  EXPECT_TRUE(parsed.has_value()) << endpoint;
  return parsed.value_or(Endpoint());
}

NodeId IdOf(absl::string_view hex) {
  NodeId id;
  const std::string bytes = absl::HexStringToBytes(hex);
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  id.bytes[19] |= 1;
  return id;
}

KrpcQuery ParseQueryOrDie(absl::string_view datagram) {
  absl::StatusOr<KrpcMessage> message = ParseKrpc(datagram);
  EXPECT_TRUE(message.ok() && std::holds_alternative<KrpcQuery>(*message)) << absl::CHexEscape(datagram);
  return std::get<KrpcQuery>(*std::move(message));
}

KrpcReply ParseReplyOrDie(absl::string_view datagram) {
  absl::StatusOr<KrpcMessage> message = ParseKrpc(datagram);
  EXPECT_TRUE(message.ok() && std::holds_alternative<KrpcReply>(*message)) << absl::CHexEscape(datagram);
  return std::get<KrpcReply>(*std::move(message));
}

}  // namespace torrent
