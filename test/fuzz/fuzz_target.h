// A fuzz target: a function that must survive any input, and keep its promises for each.
//
//   FUZZ_TARGET(url) { Use(input); FUZZ_CHECK(promise); }
//
// Compiled with clang's libFuzzer the file is a program of its own; compiled otherwise it is a row of FuzzTargets(),
// and the unit tests run it over its corpus. `input` is an absl::string_view of a buffer of exactly that size, so that
// AddressSanitizer sees a read past its end.
#ifndef TORRENT_TEST_FUZZ_FUZZ_TARGET_H_
#define TORRENT_TEST_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace torrent::fuzz {

using FuzzFunction = void (*)(absl::string_view input);

// All that are linked in, by name.
inline std::map<std::string, FuzzFunction>& FuzzTargets() {
  static auto* targets = new std::map<std::string, FuzzFunction>;
  return *targets;
}

}  // namespace torrent::fuzz

#ifdef TORRENT_LIBFUZZER
#define FUZZ_TARGET(name)                                                      \
  static void Fuzz_##name(absl::string_view input);                            \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);     \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {    \
    Fuzz_##name(absl::string_view(reinterpret_cast<const char*>(data), size)); \
    return 0;                                                                  \
  }                                                                            \
  static void Fuzz_##name(absl::string_view input)
#else
#define FUZZ_TARGET(name)                                                \
  static void Fuzz_##name(absl::string_view input);                      \
  [[maybe_unused]] static const bool registered_##name =                 \
      ::torrent::fuzz::FuzzTargets().emplace(#name, Fuzz_##name).second; \
  static void Fuzz_##name(absl::string_view input)
#endif

// A promise that was not kept is a crash, which libFuzzer and the unit tests both see.
#define FUZZ_CHECK(condition)                                                   \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                  \
    }                                                                           \
  } while (false)

#endif  // TORRENT_TEST_FUZZ_FUZZ_TARGET_H_
