#include "net/address_policy.h"

namespace torrent {

namespace {

// How far in an address stands; -1 where no hint may lead.
int Depth(Reach reach) {
  switch (reach) {
    case Reach::kGlobal:
      return 0;
    case Reach::kPrivate:
      return 1;
    case Reach::kLoopback:
      return 2;
    case Reach::kUnspecified:
    case Reach::kMulticast:
    case Reach::kLinkLocal:
      return -1;
  }
  return -1;
}

}  // namespace

bool MayLeadTo(Reach source, Reach target) {
  // Somebody on our own cable is a neighbour like one in a private network, though we connect to no such address
  // ourselves.
  if (source == Reach::kLinkLocal) source = Reach::kPrivate;
  const int to = Depth(target);
  return to >= 0 && to <= Depth(source);
}

bool MayLeadTo(const Address& source, const Endpoint& hinted, HintKind kind) {
  if (hinted.port == 0) return false;
  const Reach target = hinted.address.reach();
  if (kind == HintKind::kUser) return target != Reach::kUnspecified && target != Reach::kMulticast;
  if ((kind == HintKind::kPex || kind == HintKind::kDht) && hinted.port < 1024) return false;
  return MayLeadTo(source.reach(), target);
}

}  // namespace torrent
