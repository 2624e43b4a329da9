#include "base/sha1.h"

#include <openssl/evp.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/memory_shortage.h"

namespace torrent {

absl::optional<Sha1Hash> Sha1Hash::FromHex(absl::string_view hex) {
  if (hex.size() != 2 * kSize) return absl::nullopt;
  for (char c : hex) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return absl::nullopt;
  }
  return FromRaw(absl::HexStringToBytes(hex));
}

std::string Sha1Hash::Hex() const { return absl::BytesToHexString(Raw()); }

void Sha1::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

// EVP_sha1() looks the algorithm up at each use; one fetch for the whole process costs nothing after.
static const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = [] {
    const EVP_MD* fetched;
    while ((fetched = EVP_MD_fetch(nullptr, "SHA1", nullptr)) == nullptr) AwaitMemory();
    return fetched;
  }();
  return algorithm;
}

void Sha1::Begin() {
  if (begun_ && context_ != nullptr) return;
  // Without memory for it there is no hash: a wrong one would convict an honest peer.
  while (context_ == nullptr) {
    context_.reset(EVP_MD_CTX_new());
    if (context_ == nullptr) AwaitMemory();
  }
  while (EVP_DigestInit_ex(context_.get(), Algorithm(), nullptr) != 1) AwaitMemory();
  begun_ = true;
}

void Sha1::Update(absl::Span<const uint8_t> bytes) {
  Begin();
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

Sha1Hash Sha1::Finish() {
  Begin();
  Sha1Hash hash;
  EVP_DigestFinal_ex(context_.get(), hash.bytes.data(), nullptr);
  begun_ = false;
  return hash;
}

Sha1Hash Sha1::Of(absl::Span<const uint8_t> bytes) {
  Sha1 sha1;
  sha1.Update(bytes);
  return sha1.Finish();
}

Sha1Hash Sha1::Of(absl::string_view bytes) {
  return Of(absl::Span<const uint8_t>(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
}

}  // namespace torrent
