#include "base/sha256.h"

#include <openssl/evp.h>

namespace torrent {

Sha256Hash Sha256(absl::Span<const uint8_t> bytes) {
  // Looked up once for the whole process, as in sha1.cc.
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Sha256Hash hash;
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, algorithm, nullptr);
  return hash;
}

}  // namespace torrent
