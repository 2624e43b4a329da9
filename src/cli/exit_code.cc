#include "cli/exit_code.h"

namespace torrent {

int ExitCodeOf(Failure failure) {
  switch (failure) {
    case Failure::kNone:
      return kExitDone;
    case Failure::kDisk:
      return kExitDisk;
    case Failure::kNetwork:
      return kExitNetwork;
    case Failure::kOther:
      return kExitOther;
  }
  return kExitOther;
}

int ExitCodeOfStart(const absl::Status& status, const SessionOptions& options) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kUnavailable:
      return kExitNetwork;
    case absl::StatusCode::kInvalidArgument:
      // An address or interface that this machine does not have is the network's fault more than the typist's.
      return options.bind.empty() ? kExitUsage : kExitNetwork;
    case absl::StatusCode::kInternal:
      return kExitOther;
    default:
      return kExitDisk;
  }
}

int ExitCodeOfDisk(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
      return kExitOther;
    default:
      return kExitDisk;
  }
}

absl::string_view Advice(int exit_code, const absl::Status& status) {
  switch (exit_code) {
    case kExitDisk:
      // ENOSPC and EDQUOT are ResourceExhausted or Unavailable, as absl::ErrnoToStatus has it.
      if (absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) {
        return "; free some space, then the same command continues";
      }
      if (absl::IsPermissionDenied(status)) return "; change its permissions or choose another folder with -o";
      return "";
    case kExitNetwork:
      return "; choose others with --port and --bind, or --no-listen";
    default:
      return "";
  }
}

}  // namespace torrent
