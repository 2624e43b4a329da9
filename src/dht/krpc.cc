#include "dht/krpc.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "torrent/bencode.h"

namespace torrent {

namespace {

using bencode::Value;

constexpr std::pair<absl::string_view, KrpcMethod> kMethodNames[] = {
    {"ping", KrpcMethod::kPing},
    {"find_node", KrpcMethod::kFindNode},
    {"get_peers", KrpcMethod::kGetPeers},
    {"announce_peer", KrpcMethod::kAnnouncePeer},
};

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("DHT message: ", what));
}

// An all-zero id is what a careless client sends before it has one; it would stand for many nodes at once.
absl::optional<NodeId> FindId(const Value& dictionary, absl::string_view key) {
  const Value* id = dictionary.FindString(key);
  if (id == nullptr || id->string().size() != NodeId::kSize) return absl::nullopt;
  const NodeId found = NodeId::FromRaw(id->string());
  if (found == NodeId()) return absl::nullopt;
  return found;
}

// An endpoint of the compact form's own family: an IPv4 address in 18 bytes is a disguise.
absl::optional<Endpoint> ParseCompact(absl::string_view bytes) {
  const absl::optional<Endpoint> endpoint = Endpoint::FromCompact(AsBytes(bytes));
  if (!endpoint || endpoint->port == 0 || endpoint->address.reach() == Reach::kUnspecified) return absl::nullopt;
  if (endpoint->address.is_v4() != (bytes.size() == kCompactV4Bytes)) return absl::nullopt;
  return endpoint;
}

std::vector<NodeInfo> ParseNodes(const Value& reply, absl::string_view key, size_t compact_bytes) {
  std::vector<NodeInfo> nodes;
  const Value* field = reply.FindString(key);
  const size_t node_bytes = NodeId::kSize + compact_bytes;
  if (field == nullptr || field->string().size() % node_bytes != 0) return nodes;
  for (absl::string_view rest = field->string(); !rest.empty(); rest.remove_prefix(node_bytes)) {
    const absl::optional<Endpoint> endpoint = ParseCompact(rest.substr(NodeId::kSize, compact_bytes));
    if (endpoint) nodes.push_back({NodeId::FromRaw(rest), *endpoint});
  }
  return nodes;
}

absl::StatusOr<KrpcMessage> ParseQuery(const Value& message, std::string transaction) {
  const Value* name = message.FindString("q");
  const Value* arguments = message.FindDictionary("a");
  if (name == nullptr || arguments == nullptr) return Malformed("a query without its name or arguments");
  KrpcQuery query;
  query.transaction = std::move(transaction);
  query.method = KrpcMethod::kUnknown;
  for (const auto& [text, method] : kMethodNames) {
    if (name->string() == text) query.method = method;
  }
  const absl::optional<NodeId> id = FindId(*arguments, "id");
  if (!id) return Malformed("a query without an id of 20 bytes");
  query.id = *id;

  const bool by_infohash = query.method == KrpcMethod::kGetPeers || query.method == KrpcMethod::kAnnouncePeer;
  absl::optional<NodeId> target = FindId(*arguments, by_infohash ? "info_hash" : "target");
  if (!target && query.method == KrpcMethod::kUnknown) target = FindId(*arguments, "info_hash");
  if (target) query.target = *target;
  if (!target && (by_infohash || query.method == KrpcMethod::kFindNode)) {
    return Malformed("a query without a target of 20 bytes");
  }
  if (query.method == KrpcMethod::kAnnouncePeer) {
    const Value* implied = arguments->FindInteger("implied_port");
    query.implied_port = implied != nullptr && implied->integer() != 0;
    const Value* port = arguments->FindInteger("port");
    const int64_t number = port != nullptr ? port->integer() : 0;
    if (!query.implied_port && (number <= 0 || number > 65535)) return Malformed("an announce without a port");
    query.port = number > 0 && number <= 65535 ? static_cast<uint16_t>(number) : uint16_t{0};
    const Value* token = arguments->FindString("token");
    if (token == nullptr || token->string().size() > kMaxDhtTokenBytes) return Malformed("an announce without a token");
    query.token = std::string(token->string());
  }
  if (const Value* want = arguments->FindList("want")) {
    for (const Value& family : want->list()) {
      if (!family.is_string()) continue;
      if (family.string() == "n4") query.want_v4 = true;
      if (family.string() == "n6") query.want_v6 = true;
    }
  }
  // BEP 43 puts it at the top; some put it among the arguments.
  const Value* read_only = message.FindInteger("ro");
  if (read_only == nullptr) read_only = arguments->FindInteger("ro");
  query.read_only = read_only != nullptr && read_only->integer() == 1;
  return query;
}

absl::StatusOr<KrpcMessage> ParseReply(const Value& message, std::string transaction) {
  const Value* values = message.FindDictionary("r");
  if (values == nullptr) return Malformed("a reply without values");
  KrpcReply reply;
  reply.transaction = std::move(transaction);
  const absl::optional<NodeId> id = FindId(*values, "id");
  if (!id) return Malformed("a reply without an id of 20 bytes");
  reply.id = *id;
  reply.nodes_v4 = ParseNodes(*values, "nodes", kCompactV4Bytes);
  reply.nodes_v6 = ParseNodes(*values, "nodes6", kCompactV6Bytes);
  const Value* token = values->FindString("token");
  if (token != nullptr && token->string().size() <= kMaxDhtTokenBytes) reply.token = std::string(token->string());
  if (const Value* peers = values->FindList("values")) {
    for (const Value& peer : peers->list()) {
      if (!peer.is_string()) continue;
      if (absl::optional<Endpoint> endpoint = ParseCompact(peer.string())) reply.values.push_back(*endpoint);
    }
  }
  if (const Value* ip = message.FindString("ip")) reply.ip = ParseCompact(ip->string());
  return reply;
}

absl::StatusOr<KrpcMessage> ParseError(const Value& message, std::string transaction) {
  const Value* fields = message.FindList("e");
  if (fields == nullptr || fields->list().size() < 2 || !fields->list()[0].is_integer() ||
      !fields->list()[1].is_string()) {
    return Malformed("an error without code and text");
  }
  return KrpcError{std::move(transaction), fields->list()[0].integer(), std::string(fields->list()[1].string())};
}

std::string CompactNodes(const std::vector<NodeInfo>& nodes) {
  std::string bytes;
  for (size_t i = 0; i < std::min(nodes.size(), kDhtBucketNodes); ++i) {
    absl::StrAppend(&bytes, nodes[i].id.Raw());
    nodes[i].endpoint.AppendCompact(&bytes);
  }
  return bytes;
}

// The whole reply with `values` already encoded: "6:" and 6 bytes each, or "18:" and 18.
std::string EncodeWithValues(const KrpcReply& reply, absl::string_view values) {
  bencode::Encoder out;
  out.BeginDictionary();
  if (reply.ip) {
    std::string compact;
    reply.ip->AppendCompact(&compact);
    out.Key("ip").String(compact);
  }
  out.Key("r").BeginDictionary().Key("id").String(reply.id.Raw());
  if (!reply.nodes_v4.empty()) out.Key("nodes").String(CompactNodes(reply.nodes_v4));
  if (!reply.nodes_v6.empty()) out.Key("nodes6").String(CompactNodes(reply.nodes_v6));
  if (!reply.token.empty()) out.Key("token").String(reply.token);
  if (!values.empty()) out.Key("values").BeginList().Raw(values).End();
  out.End().Key("t").String(reply.transaction).Key("y").String("r").End();
  return out.Take();
}

}  // namespace

absl::StatusOr<KrpcMessage> ParseKrpc(absl::string_view datagram) {
  if (datagram.size() > kMaxDhtDatagramBytes) return Malformed(absl::StrCat("of ", datagram.size(), " bytes"));
  bencode::DecodeOptions options;
  options.max_depth = kMaxDhtDepth;
  options.max_items = kMaxDhtItems;
  ASSIGN_OR_RETURN(const Value message, bencode::Decode(datagram, options));
  const Value* kind = message.FindString("y");
  const Value* transaction = message.FindString("t");
  if (kind == nullptr || transaction == nullptr) return Malformed("neither query nor reply");
  if (transaction->string().empty() || transaction->string().size() > kMaxDhtTransactionBytes) {
    return Malformed(absl::StrCat("a transaction id of ", transaction->string().size(), " bytes"));
  }
  std::string id(transaction->string());
  if (kind->string() == "q") return ParseQuery(message, std::move(id));
  if (kind->string() == "r") return ParseReply(message, std::move(id));
  if (kind->string() == "e") return ParseError(message, std::move(id));
  return Malformed("neither query nor reply");
}

std::string EncodeKrpc(const KrpcQuery& query) {
  bencode::Encoder out;
  out.BeginDictionary().Key("a").BeginDictionary().Key("id").String(query.id.Raw());
  if (query.method == KrpcMethod::kAnnouncePeer) out.Key("implied_port").Integer(query.implied_port ? 1 : 0);
  if (query.method == KrpcMethod::kGetPeers || query.method == KrpcMethod::kAnnouncePeer) {
    out.Key("info_hash").String(query.target.Raw());
  }
  if (query.method == KrpcMethod::kAnnouncePeer) out.Key("port").Integer(query.port);
  if (query.method == KrpcMethod::kFindNode) out.Key("target").String(query.target.Raw());
  if (query.method == KrpcMethod::kAnnouncePeer) out.Key("token").String(query.token);
  if (query.want_v4 || query.want_v6) {
    out.Key("want").BeginList();
    if (query.want_v4) out.String("n4");
    if (query.want_v6) out.String("n6");
    out.End();
  }
  absl::string_view name;
  for (const auto& [text, method] : kMethodNames) {
    if (method == query.method) name = text;
  }
  out.End().Key("q").String(name);
  if (query.read_only) out.Key("ro").Integer(1);
  out.Key("t").String(query.transaction).Key("y").String("q").End();
  return out.Take();
}

std::string EncodeKrpc(const KrpcReply& reply) {
  const size_t bare = EncodeWithValues(reply, "").size() + absl::string_view("6:valuesle").size();
  std::string values;
  for (const Endpoint& peer : reply.values) {
    std::string compact;
    peer.AppendCompact(&compact);
    const std::string item = absl::StrCat(compact.size(), ":", compact);
    if (bare + values.size() + item.size() > kMaxDhtSentBytes) break;
    values += item;
  }
  return EncodeWithValues(reply, values);
}

std::string EncodeKrpc(const KrpcError& error) {
  bencode::Encoder out;
  out.BeginDictionary().Key("e").BeginList().Integer(error.code).String(error.text).End();
  out.Key("t").String(error.transaction).Key("y").String("e").End();
  return out.Take();
}

}  // namespace torrent
