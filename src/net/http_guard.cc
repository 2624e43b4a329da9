#include "net/http_guard.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status.h"

namespace torrent {

namespace {

constexpr size_t kMaxChunkLineBytes = 256;  // 16 hex digits and, in theory, extensions
constexpr size_t kMaxShownBytes = 40;

absl::Status Broken(absl::string_view what) { return absl::InvalidArgumentError(absl::StrCat("HTTP answer: ", what)); }

// A part of the answer for a message.
std::string Shown(absl::string_view text) {
  std::string shown(text.substr(0, kMaxShownBytes));
  for (char& c : shown) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '_';
  }
  return absl::StrCat("\"", shown, text.size() > kMaxShownBytes ? "...\"" : "\"");
}

bool IsTokenByte(char c) {  // RFC 9110, 5.6.2
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("!#$%&'*+-.^_`|~").find(c) != absl::string_view::npos;
}

bool IsControl(char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t'; }

}  // namespace

absl::StatusOr<size_t> HttpGuard::Check(absl::string_view bytes) {
  size_t used = 0;
  while (used < bytes.size() && !complete()) {
    const absl::string_view rest = bytes.substr(used);
    if (InLine()) {
      const size_t newline = rest.find('\n');
      const size_t n = newline == absl::string_view::npos ? rest.size() : newline + 1;
      if (line_.size() + n > MaxLineBytes()) {
        return TooLong(absl::StrCat(line_, rest.substr(0, kMaxShownBytes)));
      }
      line_.append(rest.data(), n);
      used += n;
      if (newline == absl::string_view::npos) break;
      if (!absl::EndsWith(line_, "\r\n")) return Broken(absl::StrCat("line without CR: ", Shown(line_)));
      const std::string line = line_.substr(0, line_.size() - 2);
      if (state_ == State::kStatusLine || state_ == State::kField) head_bytes_ += line_.size();
      line_.clear();
      if (std::any_of(line.begin(), line.end(), IsControl)) {
        return Broken(absl::StrCat("control character in ", Shown(line)));
      }
      RETURN_IF_ERROR(TakeLine(line));
    } else if (state_ == State::kBodyToEnd) {
      body_bytes_ += rest.size();
      if (body_bytes_ > max_body_bytes_) return Broken(absl::StrCat("body longer than ", max_body_bytes_, " bytes"));
      used += rest.size();
    } else {
      const auto n = static_cast<size_t>(std::min<uint64_t>(left_, rest.size()));
      used += n;
      left_ -= n;
      if (left_ == 0) state_ = state_ == State::kBody ? State::kComplete : State::kChunkEnd;
    }
  }
  return used;
}

absl::Status HttpGuard::CheckEnd() {
  if (complete()) return absl::OkStatus();
  if (state_ == State::kBodyToEnd) {
    state_ = State::kComplete;
    return absl::OkStatus();
  }
  if (state_ == State::kStatusLine && line_.empty()) {
    return absl::UnavailableError("HTTP answer: connection closed without one");
  }
  if (state_ == State::kBody) return Broken(absl::StrCat("cut off, ", left_, " bytes of the body are missing"));
  return Broken(state_ == State::kStatusLine || state_ == State::kField ? "cut off in its head"
                                                                        : "cut off in its chunks");
}

bool HttpGuard::InLine() const {
  return state_ == State::kStatusLine || state_ == State::kField || state_ == State::kChunkSize ||
         state_ == State::kChunkEnd || state_ == State::kTrailer;
}

size_t HttpGuard::MaxLineBytes() const {
  if (state_ == State::kStatusLine) return kMaxHttpStatusLineBytes;
  if (state_ == State::kField) return kMaxHttpHeadBytes - std::min(head_bytes_, kMaxHttpHeadBytes);
  return kMaxChunkLineBytes;
}

absl::Status HttpGuard::TooLong(absl::string_view begin) const {
  switch (state_) {
    case State::kStatusLine:
      return Broken(absl::StrCat("status line longer than ", kMaxHttpStatusLineBytes, " bytes: ", Shown(begin)));
    case State::kField:
      return Broken(absl::StrCat("header fields longer than ", kMaxHttpHeadBytes, " bytes, at ", Shown(begin)));
    default:
      return Broken(absl::StrCat("line of a chunk longer than ", kMaxChunkLineBytes, " bytes: ", Shown(begin)));
  }
}

absl::Status HttpGuard::TakeLine(absl::string_view line) {
  switch (state_) {
    case State::kStatusLine:
      return TakeStatusLine(line);
    case State::kField:
      return line.empty() ? EndHead() : TakeField(line);
    case State::kChunkSize:
      return TakeChunkSize(line);
    case State::kChunkEnd:
      if (!line.empty()) return Broken(absl::StrCat("chunk longer than its size: ", Shown(line)));
      state_ = State::kChunkSize;
      return absl::OkStatus();
    case State::kTrailer:
      // The library knows no fields behind the body, and we never say that we do (TE: trailers).
      if (!line.empty()) return Broken(absl::StrCat("field behind the chunks: ", Shown(line)));
      state_ = State::kComplete;
      return absl::OkStatus();
    default:
      return absl::InternalError("HTTP answer: a line in the body");
  }
}

// "HTTP/1.1 200 OK"; the reason may be missing, with or without the blank before it.
absl::Status HttpGuard::TakeStatusLine(absl::string_view line) {
  const bool version = absl::StartsWith(line, "HTTP/1.1 ") || absl::StartsWith(line, "HTTP/1.0 ");
  const absl::string_view digits = version ? line.substr(9, 3) : "";
  if (digits.size() != 3 || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) ||
      (line.size() > 12 && line[12] != ' ')) {
    return Broken(absl::StrCat("no status line: ", Shown(line)));
  }
  status_ = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
  // Nothing of what we send asks for an interim answer (1xx) or "not modified".
  if (status_ < 200 || status_ == 304) return Broken(absl::StrCat("unexpected status ", status_));
  state_ = State::kField;
  return absl::OkStatus();
}

absl::Status HttpGuard::TakeField(absl::string_view line) {
  if (fields_.size() == kMaxHttpFields) return Broken(absl::StrCat("more than ", kMaxHttpFields, " header fields"));
  const size_t colon = line.find(':');
  const absl::string_view name = line.substr(0, colon);
  if (colon == absl::string_view::npos || name.empty() || !std::all_of(name.begin(), name.end(), IsTokenByte)) {
    return Broken(absl::StrCat("no header field: ", Shown(line)));
  }
  fields_.emplace_back(absl::AsciiStrToLower(name), absl::StripAsciiWhitespace(line.substr(colon + 1)));
  return absl::OkStatus();
}

absl::Status HttpGuard::EndHead() {
  const std::string* encoding = nullptr;
  const std::string* length = nullptr;
  for (const auto& [name, value] : fields_) {
    if (name == "transfer-encoding") {
      if (encoding != nullptr || !absl::EqualsIgnoreCase(value, "chunked")) {
        return Broken(absl::StrCat("transfer encoding other than chunked: ", Shown(value)));
      }
      encoding = &value;
    } else if (name == "content-length") {
      if (length != nullptr && *length != value) {
        return Broken(absl::StrCat("two content lengths, ", Shown(*length), " and ", Shown(value)));
      }
      length = &value;
    }
  }
  if (status_ == 204) {
    state_ = State::kComplete;
    return absl::OkStatus();
  }
  // With both, two readers could see two different answers (RFC 9112, 6.3).
  if (encoding != nullptr && length != nullptr) return Broken("chunked and a content length");
  if (encoding != nullptr) {
    state_ = State::kChunkSize;
    return absl::OkStatus();
  }
  if (length != nullptr) return TakeLength(*length);
  state_ = State::kBodyToEnd;
  return absl::OkStatus();
}

absl::Status HttpGuard::TakeLength(absl::string_view text) {
  if (text.empty() || text.size() > 19 || !std::all_of(text.begin(), text.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(text, &left_)) {
    return Broken(absl::StrCat("content length ", Shown(text)));
  }
  if (left_ > max_body_bytes_) {
    return Broken(absl::StrCat("body of ", left_, " bytes, at most ", max_body_bytes_));
  }
  state_ = left_ == 0 ? State::kComplete : State::kBody;
  return absl::OkStatus();
}

absl::Status HttpGuard::TakeChunkSize(absl::string_view line) {
  const absl::string_view digits = absl::StripTrailingAsciiWhitespace(line.substr(0, line.find(';')));
  const bool hex = std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit);
  if (digits.empty() || digits.size() > 16 || !hex || !absl::SimpleHexAtoi(digits, &left_)) {
    return Broken(absl::StrCat("chunk size ", Shown(line)));
  }
  if (left_ > max_body_bytes_ - body_bytes_) {
    return Broken(absl::StrCat("chunk of ", left_, " bytes after ", body_bytes_, ", at most ", max_body_bytes_));
  }
  body_bytes_ += left_;
  state_ = left_ == 0 ? State::kTrailer : State::kChunk;
  return absl::OkStatus();
}

}  // namespace torrent
