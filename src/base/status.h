// Leaving early on an error: the packaged Abseil has no macros for it.
#ifndef TORRENT_BASE_STATUS_H_
#define TORRENT_BASE_STATUS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// RETURN_IF_ERROR(Status expression): returns that status from the function unless it is OK.
#define RETURN_IF_ERROR(expression)      \
  do {                                   \
    absl::Status status_ = (expression); \
    if (!status_.ok()) return status_;   \
  } while (false)

// ASSIGN_OR_RETURN(auto x, StatusOr expression): declares or assigns x, or returns the status.
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_NAMED_(STATUS_CONCAT_(status_or_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_NAMED_(name, declaration, expression) \
  auto name = (expression);                                    \
  if (!name.ok()) return std::move(name).status();             \
  declaration = *std::move(name)
#define STATUS_CONCAT_(a, b) STATUS_CONCAT_AGAIN_(a, b)
#define STATUS_CONCAT_AGAIN_(a, b) a##b

namespace torrent {

// The same error with `what` and a colon before its message; OK stays OK.
absl::Status Annotate(const absl::Status& status, absl::string_view what);

}  // namespace torrent

#endif  // TORRENT_BASE_STATUS_H_
