#include "net/url.h"

#include <gtest/gtest.h>

namespace torrent {
namespace {

TEST(UrlTest, SplitsAUrlIntoItsParts) {
  const struct {
    const char* text;
    const char* scheme;
    const char* userinfo;
    const char* host;
    int port;
    const char* target;
  } kCases[] = {
      {"http://a.b.com/announce", "http", "", "a.b.com", 80, "/announce"},
      {"HTTPS://Tracker.Example:8443/x?y=z#frag", "https", "", "tracker.example", 8443, "/x?y=z"},
      {"http://host", "http", "", "host", 80, "/"},
      {"http://host?q=1", "http", "", "host", 80, "/?q=1"},
      {"http://host:/", "http", "", "host", 80, "/"},
      {"http://host./a", "http", "", "host", 80, "/a"},
      {"http://user:p%40ss@host:81/", "http", "user:p%40ss", "host", 81, "/"},
      {"udp://tracker.example:6969/announce", "udp", "", "tracker.example", 6969, "/announce"},
      {"http://[2001:DB8::1]:80/a", "http", "", "2001:db8::1", 80, "/a"},
      {"http://[::1]/a", "http", "", "::1", 80, "/a"},
      {"http://[::ffff:1.2.3.4]/a", "http", "", "1.2.3.4", 80, "/a"},
      {"http://under_score.example/", "http", "", "under_score.example", 80, "/"},
      {"http://host/a/./b/../c", "http", "", "host", 80, "/a/c"},
      {"http://host/../../x", "http", "", "host", 80, "/x"},
      {"http://host/announce/..?a=../b", "http", "", "host", 80, "/?a=../b"},
      {"http://host/a//b/", "http", "", "host", 80, "/a//b/"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<Url> url = Url::Parse(c.text);
    ASSERT_TRUE(url.ok()) << url.status();
    EXPECT_EQ(url->scheme, c.scheme) << c.text;
    EXPECT_EQ(url->userinfo, c.userinfo) << c.text;
    EXPECT_EQ(url->host, c.host) << c.text;
    EXPECT_EQ(url->port, c.port) << c.text;
    EXPECT_EQ(url->target, c.target) << c.text;
    EXPECT_EQ(Url::Parse(url->ToString())->ToString(), url->ToString());
  }
}

// qBittorrent 853d6f2e9, CVE-2025-54310: file:// and ftp:// (hazard 70).
TEST(UrlTest, RefusesWhatIsNoUrlOfOurs) {
  for (const char* text : {"",
                           "host",
                           "http:",
                           "http:/host",
                           "http://",
                           "http:///path",
                           "://host/",
                           "file:///etc/passwd",
                           "ftp://host/",
                           "javascript:alert(1)",
                           "http://host:0/",
                           "http://host:65536/",
                           "http://host:-1/",
                           "http://host:80x/",
                           "http://host:000080/",
                           "udp://host/announce",
                           "http://[::1/",
                           "http://[::1]x/",
                           "http://[1.2.3.4]/",
                           "http://[fe80::1%25eth0]/",
                           "http://[]/",
                           "http://a..b/",
                           "http://.a/",
                           "http://ho st/",
                           "http://host/a b",
                           "http://host/\r\nX: y",
                           "http://host/\x7f",
                           "http://h\xc3\xb6st/",
                           "http://host/\xc3\xb6",
                           "http://a@b@c/",
                           "http://host\\@evil/",
                           "http://ho%73t/",
                           "http://host,x/"}) {
    EXPECT_FALSE(Url::Parse(text).ok()) << text;
  }
  EXPECT_FALSE(Url::Parse(absl::string_view("http://host/\0x", 14)).ok());
  EXPECT_FALSE(Url::Parse("http://" + std::string(64, 'a') + "/").ok());
  EXPECT_TRUE(Url::Parse("http://" + std::string(63, 'a') + "/").ok());
  EXPECT_FALSE(Url::Parse("http://host/" + std::string(8192, 'a')).ok());
}

// CVE-2019-3500: a password in the log (hazard 34).
TEST(UrlTest, KeepsSecretsOutOfWhatIsShown) {
  const Url url =
      *Url::Parse("https://name:secret@tracker.example:444/0123456789abcdef0123456789abcdef/announce?passkey=secret");
  EXPECT_EQ(url.SafeForLog(), "https://tracker.example:444/0123.../announce");
  EXPECT_EQ(Url::Parse("http://[::1]:45/announce?secret")->SafeForLog(), "http://[::1]:45/announce");

  for (const char* broken :
       {"ftp://name:secret@host/?secret", "http://name:secret@host:99999/?secret", "http://a@name:secret@host/",
        "http://ho st/?secret", "name:secret@host", "http:/secret@x"}) {
    const absl::StatusOr<Url> refused = Url::Parse(broken);
    ASSERT_FALSE(refused.ok()) << broken;
    EXPECT_EQ(std::string(refused.status().message()).find("secret"), std::string::npos) << refused.status();
  }
  EXPECT_EQ(SafeUrlText("http://h/\x1b[31m"), "http://h/_[31m");
}

TEST(UrlTest, ResolvesReferencesAsRfc3986Says) {
  const Url base = *Url::Parse("http://name:pw@a.example:8080/b/c/d;p?q");
  const struct {
    const char* reference;
    const char* result;
  } kCases[] = {
      {"g", "http://a.example:8080/b/c/g"},
      {"./g", "http://a.example:8080/b/c/g"},
      {"g/", "http://a.example:8080/b/c/g/"},
      {"/g", "http://a.example:8080/g"},
      {"//g", "http://g/"},
      {"?y", "http://a.example:8080/b/c/d;p?y"},
      {"g?y", "http://a.example:8080/b/c/g?y"},
      {"#s", "http://a.example:8080/b/c/d;p?q"},
      {"", "http://a.example:8080/b/c/d;p?q"},
      {"..", "http://a.example:8080/b/"},
      {"../g", "http://a.example:8080/b/g"},
      {"../../../g", "http://a.example:8080/g"},
      {"https://x.example/y", "https://x.example/y"},
      {"http://evil:pw@x.example/y", "http://x.example/y"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<Url> url = base.Resolve(c.reference);
    ASSERT_TRUE(url.ok()) << c.reference << url.status();
    EXPECT_EQ(url->ToString(), c.result) << c.reference;
  }
  for (const char* reference : {"file:///etc/passwd", "ftp://x/", "http://", "//", "/a b", "/a\r\nb", "mailto:x"}) {
    EXPECT_FALSE(base.Resolve(reference).ok()) << reference;
  }
}

// libtorrent audit F7 (hazard 35).
TEST(UrlTest, TellsPunycodeHosts) {
  for (const char* host : {"xn--example.com", "subdomain.xn--example-.com", "xN--", "a.XN--b"}) {
    EXPECT_TRUE(Url::Parse(std::string("http://") + host + "/")->IsIdna()) << host;
  }
  for (const char* host : {"exn--ample.com", "-xn--", "a.b.com"}) {
    EXPECT_FALSE(Url::Parse(std::string("http://") + host + "/")->IsIdna()) << host;
  }
}

TEST(UrlTest, ComparesOriginsBySchemeHostAndPort) {
  const Url url = *Url::Parse("http://host/a");
  EXPECT_TRUE(url.SameOrigin(*Url::Parse("http://HOST:80/b")));
  EXPECT_FALSE(url.SameOrigin(*Url::Parse("https://host/a")));
  EXPECT_FALSE(url.SameOrigin(*Url::Parse("http://host:81/a")));
  EXPECT_FALSE(url.SameOrigin(*Url::Parse("http://host2/a")));
}

TEST(UrlTest, DecodesPercentsOnce) {
  EXPECT_EQ(PercentDecode("%41b%2525"), "Ab%25");
  EXPECT_EQ(PercentDecode("%4"), "%4");
  EXPECT_EQ(PercentDecode("%zz%"), "%zz%");
  EXPECT_EQ(PercentDecode("%+1"), "%+1");
}

}  // namespace
}  // namespace torrent
