// A port that swallows everything: its queue is full, so the system drops every further SYN and a connect hangs until
// its deadline. Thread: its owner's.
#ifndef TORRENT_TEST_NET_FULL_LISTENER_H_
#define TORRENT_TEST_NET_FULL_LISTENER_H_

#include <vector>

#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace torrent {

class FullListener {
 public:
  // On port `port` of `address`; 0: any.
  FullListener(const Address& address, uint16_t port);
  const Endpoint& endpoint() const { return endpoint_; }
  // Whether a connect was seen to hang.
  bool is_full() const { return is_full_; }

 private:
  UniqueFd listener_;
  Endpoint endpoint_;
  std::vector<UniqueFd> queue_;
  bool is_full_ = false;
};

}  // namespace torrent

#endif  // TORRENT_TEST_NET_FULL_LISTENER_H_
