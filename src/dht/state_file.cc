#include "dht/state_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "torrent/bencode.h"

namespace torrent {

namespace {

std::string StateNodes(const std::vector<NodeInfo>& nodes) {
  std::string bytes;
  for (size_t i = 0; i < std::min(nodes.size(), kMaxDhtStateNodes); ++i) {
    absl::StrAppend(&bytes, nodes[i].id.Raw());
    nodes[i].endpoint.AppendCompact(&bytes);
  }
  return bytes;
}

absl::optional<NodeId> StateId(const bencode::Value& state, absl::string_view key) {
  const bencode::Value* id = state.FindString(key);
  if (id == nullptr || id->string().size() != NodeId::kSize) return absl::nullopt;
  return NodeId::FromRaw(id->string());
}

std::vector<NodeInfo> ParseStateNodes(const bencode::Value& state, absl::string_view key, bool v4) {
  std::vector<NodeInfo> nodes;
  const bencode::Value* field = state.FindString(key);
  const size_t node_bytes = NodeId::kSize + (v4 ? kCompactV4Bytes : kCompactV6Bytes);
  if (field == nullptr || field->string().size() % node_bytes != 0) return nodes;
  for (absl::string_view rest = field->string(); !rest.empty(); rest.remove_prefix(node_bytes)) {
    if (nodes.size() >= kMaxDhtStateNodes) break;
    const Endpoint endpoint = *Endpoint::FromCompact(AsBytes(rest.substr(NodeId::kSize, node_bytes - NodeId::kSize)));
    if (endpoint.port != 0 && endpoint.address.is_v4() == v4) nodes.push_back({NodeId::FromRaw(rest), endpoint});
  }
  return nodes;
}

absl::Status StateError(absl::string_view doing, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(doing, " ", path));
}

}  // namespace

std::string EncodeDhtState(const DhtState& state) {
  bencode::Encoder out;
  out.BeginDictionary();
  if (state.id_v4) out.Key("id").String(state.id_v4->Raw());
  if (state.id_v6) out.Key("id6").String(state.id_v6->Raw());
  out.Key("nodes").String(StateNodes(state.nodes_v4));
  out.Key("nodes6").String(StateNodes(state.nodes_v6));
  out.End();
  return out.Take();
}

absl::StatusOr<DhtState> DecodeDhtState(absl::string_view bytes) {
  bencode::DecodeOptions options;
  options.max_depth = kMaxDhtDepth;
  options.max_items = kMaxDhtItems;
  ASSIGN_OR_RETURN(const bencode::Value value, bencode::Decode(bytes, options));
  if (!value.is_dictionary()) return absl::InvalidArgumentError("DHT state is no dictionary");
  DhtState state;
  state.id_v4 = StateId(value, "id");
  state.id_v6 = StateId(value, "id6");
  state.nodes_v4 = ParseStateNodes(value, "nodes", true);
  state.nodes_v6 = ParseStateNodes(value, "nodes6", false);
  return state;
}

absl::StatusOr<DhtState> LoadDhtState(const std::string& path) {
  // A pipe that somebody put there must not hold us up.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return StateError("open", path);
  std::string bytes(kMaxDhtStateBytes + 1, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = read(fd.get(), &bytes[done], bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return StateError("read", path);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  if (done > kMaxDhtStateBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": more than ", kMaxDhtStateBytes, " bytes"));
  }
  bytes.resize(done);
  absl::StatusOr<DhtState> state = DecodeDhtState(bytes);
  if (!state.ok()) return Annotate(state.status(), path);
  return state;
}

absl::Status SaveDhtState(const std::string& path, const DhtState& state) {
  const std::string beside = absl::StrCat(path, ".new");
  UniqueFd fd(open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd.valid()) return StateError("open", beside);
  const std::string bytes = EncodeDhtState(state);
  for (absl::string_view rest = bytes; !rest.empty();) {
    const ssize_t n = write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return StateError("write", beside);
    rest.remove_prefix(static_cast<size_t>(n));
  }
  if (fsync(fd.get()) != 0) return StateError("sync", beside);
  fd.Reset();
  if (rename(beside.c_str(), path.c_str()) != 0) return StateError("rename to", path);
  return absl::OkStatus();
}

}  // namespace torrent
