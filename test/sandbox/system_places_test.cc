#include "sandbox/system_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace torrent {
namespace {

using ::testing::Contains;

TEST(NsswitchTest, FilesAndDnsNeedNoLocalService) {
  EXPECT_FALSE(NamesNeedUnixSockets(""));
  EXPECT_FALSE(NamesNeedUnixSockets("passwd: files sss\nhosts: files dns\n"));
  EXPECT_FALSE(NamesNeedUnixSockets("hosts:\tfiles [NOTFOUND=return SUCCESS=continue] dns myhostname # mdns\n"));
  EXPECT_FALSE(NamesNeedUnixSockets("# hosts: resolve\n  hosts:files dns"));
}

TEST(NsswitchTest, OtherModulesMay) {
  EXPECT_TRUE(NamesNeedUnixSockets("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns"));
  EXPECT_TRUE(NamesNeedUnixSockets("hosts:          files mdns4_minimal [NOTFOUND=return] dns"));
  EXPECT_TRUE(NamesNeedUnixSockets("passwd: files\nhosts: files [ NOTFOUND = return ] sss"));
}

TEST(SystemPlacesTest, AuthoritiesThatTheUserNamesAreAmongThem) {
  setenv("SSL_CERT_FILE", "/somewhere/ca.pem", 1);
  setenv("SSL_CERT_DIR", "/one:/two", 1);
  const std::vector<std::string> places = SystemPlaces();
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
  EXPECT_THAT(places, Contains("/somewhere/ca.pem"));
  EXPECT_THAT(places, Contains("/one"));
  EXPECT_THAT(places, Contains("/two"));
  EXPECT_THAT(places, Contains("/etc"));
}

}  // namespace
}  // namespace torrent
