#include "test/net/certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace torrent {

namespace {

void AddExtension(X509* x509, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Certificates::Certificates() {
  char folder[] = "/tmp/certificates-XXXXXX";
  if (mkdtemp(folder) == nullptr) abort();
  folder_ = folder;
}

Certificates::~Certificates() {
  for (const std::string& file : files_) unlink(file.c_str());
  rmdir(folder_.c_str());
}

Certificate Certificates::Make(const Wish& wish, const Certificate* issuer) {
  Certificate made;
  made.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
  made.x509.reset(X509_new(), X509_free);
  X509* const x509 = made.x509.get();
  X509* const signer = issuer == nullptr ? x509 : issuer->x509.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial_++);
  X509_gmtime_adj(X509_getm_notBefore(x509), wish.valid_from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(x509), wish.valid_to_seconds);
  X509_set_pubkey(x509, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wish.subject.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509, X509_get_subject_name(signer));
  AddExtension(x509, signer, NID_basic_constraints, wish.is_authority ? "critical,CA:TRUE" : "CA:FALSE");
  AddExtension(x509, signer, NID_key_usage,
               wish.is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!wish.alternative.empty()) AddExtension(x509, signer, NID_subject_alt_name, wish.alternative);
  X509_sign(x509, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256());
  return made;
}

std::string Certificates::NextPath() {
  files_.push_back(absl::StrCat(folder_, "/", files_.size(), ".pem"));
  return files_.back();
}

std::string Certificates::Write(const std::vector<Certificate>& chain) {
  const std::string path = NextPath();
  FILE* file = fopen(path.c_str(), "we");
  for (const Certificate& certificate : chain) PEM_write_X509(file, certificate.x509.get());
  fclose(file);
  return path;
}

std::string Certificates::WriteKey(const Certificate& certificate) {
  const std::string path = NextPath();
  FILE* file = fopen(path.c_str(), "we");
  PEM_write_PrivateKey(file, certificate.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  fclose(file);
  return path;
}

std::string Certificates::WriteWithRevocation(const std::vector<Certificate>& authorities, const Certificate& issuer,
                                              const Certificate& revoked) {
  const std::string path = Write(authorities);
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer.x509.get()));
  ASN1_TIME* time = ASN1_TIME_new();
  X509_gmtime_adj(time, -60);
  X509_CRL_set1_lastUpdate(list, time);
  X509_REVOKED* entry = X509_REVOKED_new();
  X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked.x509.get()));
  X509_REVOKED_set_revocationDate(entry, time);
  X509_gmtime_adj(time, 3600);
  X509_CRL_set1_nextUpdate(list, time);
  ASN1_TIME_free(time);
  X509_CRL_add0_revoked(list, entry);
  X509_CRL_sign(list, issuer.key.get(), EVP_sha256());
  FILE* file = fopen(path.c_str(), "ae");
  PEM_write_X509_CRL(file, list);
  fclose(file);
  X509_CRL_free(list);
  return path;
}

}  // namespace torrent
