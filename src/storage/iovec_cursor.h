// A place in a list of pieces of memory that are one run of bytes, for writes that end early and for runs that cross
// the borders of files. Thread: its owner's. Invariant: the byte at the cursor is (*list)[index_] from skip_ on, or the
// list is at its end.
#ifndef TORRENT_STORAGE_IOVEC_CURSOR_H_
#define TORRENT_STORAGE_IOVEC_CURSOR_H_

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace torrent {

class IovecCursor {
 public:
  // The list outlives the cursor.
  explicit IovecCursor(absl::Span<const iovec> list) : list_(list) { PassEnds(); }

  // Puts what comes next, at most `length` bytes, into `out`; answers how many entries of it are filled.
  size_t Gather(uint64_t length, absl::Span<iovec> out) const {
    size_t count = 0;
    size_t skip = skip_;
    for (size_t i = index_; i < list_.size() && length > 0 && count < out.size(); i++) {
      size_t size = std::min<uint64_t>(list_[i].iov_len - skip, length);
      if (size > 0) out[count++] = {static_cast<char*>(list_[i].iov_base) + skip, size};
      length -= size;
      skip = 0;
    }
    return count;
  }

  // Goes `length` bytes on; the list has them.
  void Advance(uint64_t length) {
    while (length > 0) {
      size_t step = std::min<uint64_t>(list_[index_].iov_len - skip_, length);
      skip_ += step;
      length -= step;
      PassEnds();
    }
  }

  bool at_end() const { return index_ == list_.size(); }

 private:
  void PassEnds() {
    while (index_ < list_.size() && skip_ == list_[index_].iov_len) {
      index_++;
      skip_ = 0;
    }
  }

  const absl::Span<const iovec> list_;
  size_t index_ = 0;
  size_t skip_ = 0;
};

}  // namespace torrent

#endif  // TORRENT_STORAGE_IOVEC_CURSOR_H_
