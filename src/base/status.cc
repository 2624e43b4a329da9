#include "base/status.h"

#include "absl/strings/str_cat.h"

namespace torrent {

absl::Status Annotate(const absl::Status& status, absl::string_view what) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(what, ": ", status.message()));
}

}  // namespace torrent
