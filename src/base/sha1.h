// SHA-1 over bytes that come in parts. OpenSSL does the work, with the processor's SHA instructions where it has them.
// Thread: one at a time; a hasher may be handed from thread to thread.
#ifndef TORRENT_BASE_SHA1_H_
#define TORRENT_BASE_SHA1_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "torrent/sha1.h"

struct evp_md_ctx_st;

namespace torrent {

class Sha1 {
 public:
  // Takes no memory before the first byte: most pieces in flight wait for theirs.
  Sha1() = default;
  Sha1(Sha1&&) noexcept = default;
  Sha1& operator=(Sha1&&) noexcept = default;

  void Update(absl::Span<const uint8_t> bytes);
  // The digest of all that was given since the last call; begins anew.
  Sha1Hash Finish();
  // Forgets what was given.
  void Reset() { begun_ = false; }

  static Sha1Hash Of(absl::Span<const uint8_t> bytes);
  static Sha1Hash Of(absl::string_view bytes);

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  void Begin();

  std::unique_ptr<evp_md_ctx_st, Free> context_;
  bool begun_ = false;
};

}  // namespace torrent

#endif  // TORRENT_BASE_SHA1_H_
