#include "sandbox/system_places.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/unique_fd.h"

namespace torrent {
namespace {

constexpr size_t kMaxNsswitchBytes = 64 * 1024;

// The folder that the file `path` lies in when its links are followed; "" where there is none but the root.
std::string RealFolderOf(const char* path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path, nullptr), free);
  if (real == nullptr) return "";
  const std::string file = real.get();
  return file.substr(0, file.rfind('/'));
}

}  // namespace

std::vector<std::string> SystemPlaces() {
  std::vector<std::string> places = {
      // Whole, because resolv.conf and hosts are replaced while we run, by other files of that name.
      "/etc",
      // Libraries: those that resolve names are loaded when the first is asked. Certificates lie below /usr/share.
      "/usr",
      "/lib",
      "/lib64",
      "/proc/self",
      "/sys/fs/cgroup",  // memory limits, mounts
      "/dev/null",
      "/dev/urandom",
  };
  // Often a link to what a service of the system writes.
  places.push_back(RealFolderOf("/etc/resolv.conf"));
  // Where this C library came from, if not from /usr: its modules are beside it.
  Dl_info library;
  if (dladdr(reinterpret_cast<void*>(&getaddrinfo), &library) != 0) places.push_back(RealFolderOf(library.dli_fname));
  // Authorities, where this OpenSSL looks for them.
  places.push_back(X509_get_default_cert_area());
  places.push_back(X509_get_default_cert_dir());
  places.push_back(X509_get_default_cert_file());
  for (const char* variable : {X509_get_default_cert_file_env(), X509_get_default_cert_dir_env(), "OPENSSL_CONF"}) {
    const char* const value = getenv(variable);
    if (value == nullptr) continue;
    for (absl::string_view path : absl::StrSplit(value, ':', absl::SkipEmpty())) places.emplace_back(path);
  }
#ifdef TORRENT_SANITIZED
  places.push_back("/proc/self/exe");  // a report names lines
#endif
  return places;
}

bool NamesNeedUnixSockets(absl::string_view nsswitch) {
  for (absl::string_view line : absl::StrSplit(nsswitch, '\n')) {
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (!absl::ConsumePrefix(&line, "hosts:")) continue;
    // What is in brackets says what to do with an answer, and may have blanks in it.
    bool in_brackets = false;
    for (absl::string_view word : absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty())) {
      const bool action = in_brackets || word[0] == '[';
      in_brackets = action && word.back() != ']';
      if (!action && word != "files" && word != "dns" && word != "myhostname") return true;
    }
  }
  return false;
}

bool NamesNeedUnixSocketsHere() {
  std::string text(kMaxNsswitchBytes, '\0');
  const UniqueFd fd(open("/etc/nsswitch.conf", O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const ssize_t n = fd.valid() ? read(fd.get(), text.data(), text.size()) : 0;
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return NamesNeedUnixSockets(text);
}

}  // namespace torrent
