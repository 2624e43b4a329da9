// Certificates made on the spot, good ones and bad ones, in a folder that goes with the object. P-256 keys, PEM files.
// Thread: its owner's.
#ifndef TORRENT_TEST_NET_CERTIFICATES_H_
#define TORRENT_TEST_NET_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace torrent {

struct Certificate {
  std::shared_ptr<X509> x509;
  std::shared_ptr<EVP_PKEY> key;
};

class Certificates {
 public:
  struct Wish {
    std::string subject;      // common name
    std::string alternative;  // "DNS:host" or "IP:127.0.0.1"; empty for none
    bool is_authority = false;
    long valid_from_seconds = -3600;  // from now
    long valid_to_seconds = 3600;
  };

  Certificates();
  ~Certificates();
  // Signed by `issuer`, by itself without one.
  Certificate Make(const Wish& wish, const Certificate* issuer);
  // A self-signed authority.
  Certificate Authority(const std::string& name) { return Make({name, "", true}, nullptr); }
  // Writes them in order into one file and returns its path.
  std::string Write(const std::vector<Certificate>& chain);
  std::string WriteKey(const Certificate& certificate);
  // `authorities` and the list of what `issuer` revoked, in one file.
  std::string WriteWithRevocation(const std::vector<Certificate>& authorities, const Certificate& issuer,
                                  const Certificate& revoked);

 private:
  std::string NextPath();

  std::string folder_;
  std::vector<std::string> files_;
  long serial_ = 1;
};

}  // namespace torrent

#endif  // TORRENT_TEST_NET_CERTIFICATES_H_
