// The built program as a shell sees it: exit codes, what it writes where, signals. On loopback alone.
#include "test/cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torrent {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ProgramTest, HelpAndVersionGoToStdout) {
  std::string out, error;
  EXPECT_EQ(Run({"--help"}, &out, &error), 0);
  EXPECT_THAT(out, HasSubstr("Usage: torrent SOURCE..."));
  EXPECT_EQ(error, "");
  EXPECT_EQ(Run({"--version"}, &out), 0);
  EXPECT_EQ(out, "torrent " TORRENT_VERSION "\n");
}

TEST_F(ProgramTest, UsageErrorsAreTwo) {
  std::string error;
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"--no-such-option", "x"}, nullptr, &error), 2);
  EXPECT_THAT(error, HasSubstr("--no-such-option"));
  EXPECT_EQ(Run({"ftp://host/x.torrent"}, nullptr, &error), 2);
  EXPECT_THAT(error, HasSubstr("ftp"));
  EXPECT_EQ(Run({MakeTorrent(1000), "--select", "7", "-o", Path("out")}, nullptr, &error), 2);
  EXPECT_THAT(error, HasSubstr("--select: "));
}

TEST_F(ProgramTest, WhatIsNoUsableTorrentIsThree) {
  const struct {
    const char* name;
    std::string content;
  } kCases[] = {
      {"empty.torrent", ""},
      {"garbage.torrent", "this is not bencode"},
      {"cut.torrent", "d4:infod6:lengthi1e"},
      {"v2.torrent", absl::StrCat("d4:infod9:file treed1:ad0:d6:lengthi1e11:pieces root32:", std::string(32, 'x'),
                                  "eee12:meta versioni2e4:name1:a12:piece lengthi16384eee")}};
  std::string error;
  for (const auto& c : kCases) {
    WriteFile(Path(c.name), c.content);
    for (const char* command : {"show", "verify", ""}) {
      std::vector<std::string> arguments = {Path(c.name)};
      if (*command != '\0') arguments.insert(arguments.begin(), command);
      EXPECT_EQ(Run(arguments, nullptr, &error), 3) << c.name;
      EXPECT_THAT(error, HasSubstr(c.name));
    }
  }
  EXPECT_EQ(Run({Path("none.torrent")}, nullptr, &error), 3);
  EXPECT_THAT(error, HasSubstr("No such file"));
  EXPECT_EQ(Run({"magnet:?xt=urn:btih:01234567890123456789&tr=http://secret"}, nullptr, &error), 3);
  EXPECT_THAT(error, HasSubstr("magnet:?xt=urn:btih:01234567890123456789: "));
  EXPECT_THAT(error, Not(HasSubstr("secret")));
  EXPECT_EQ(Run({"http://name:pass3word@127.0.0.1:1/x.torrent?passkey=s3cret"}, nullptr, &error), 3);
  EXPECT_THAT(error, HasSubstr("127.0.0.1:1/x.torrent"));
  EXPECT_THAT(error, Not(HasSubstr("pass3word")));
  EXPECT_THAT(error, Not(HasSubstr("s3cret")));
}

TEST_F(ProgramTest, NothingForTheTimeoutIsFour) {
  std::string error;
  const TimePoint start = Now();
  EXPECT_EQ(Run({MakeTorrent(1000), "-o", Path("out"), "--timeout", "1", "--bind", "127.0.0.1", "--port", "0"}, nullptr,
                &error),
            4);
  EXPECT_GE(Now() - start, std::chrono::seconds(1));
  EXPECT_THAT(error, HasSubstr("--timeout"));
}

TEST_F(ProgramTest, WhatTheDiskRefusesIsFive) {
  std::string error;
  const std::string file = MakeTorrent(1000);
  WriteFile(Path("a-file"), "x");
  EXPECT_EQ(Run({file, "-o", Path("a-file/out"), "--bind", "127.0.0.1", "--port", "0"}, nullptr, &error), 5);
  EXPECT_THAT(error, HasSubstr("a-file"));
  EXPECT_EQ(Run({"create", Path("none"), "-o", Path("x.torrent")}, nullptr, &error), 5);
  EXPECT_THAT(error, HasSubstr("none"));
  Program full({"show", file}, open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(full.Wait(), 5) << full.error;
}

TEST_F(ProgramTest, BadOrMissingDataIsSix) {
  const std::string file = MakeTorrent(100'000);
  std::string out;
  EXPECT_EQ(Run({"verify", file, "-o", Path("seed")}, &out), 0);
  EXPECT_THAT(out, HasSubstr("whole    payload\n1 of 1 file is whole"));
  std::string content = ReadFile(Path("seed/payload"));
  content[50'000] = static_cast<char>(content[50'000] ^ 1);
  WriteFile(Path("seed/payload"), content);
  EXPECT_EQ(Run({"verify", file, "--output", Path("seed")}, &out), 6);
  EXPECT_THAT(out, ContainsRegex("bad +payload \\(.* in pieces that differ\\)"));
  unlink(Path("seed/payload").c_str());
  EXPECT_EQ(Run({"verify", file, "-o", Path("seed")}, &out), 6);
  EXPECT_THAT(out, HasSubstr("missing  payload"));
  EXPECT_EQ(Run({"verify", file, "-o", Path("seed"), "-q"}, &out), 6);
  EXPECT_EQ(out, "");
}

TEST_F(ProgramTest, ANetworkThatCannotBeSetUpIsSeven) {
  std::string error;
  EXPECT_EQ(Run({MakeTorrent(1000), "-o", Path("out"), "--bind", "203.0.113.9"}, nullptr, &error), 7);
  EXPECT_THAT(error, HasSubstr("203.0.113.9"));
  EXPECT_EQ(Run({"tracker", "--bind", "203.0.113.9"}, nullptr, &error), 7);
  EXPECT_THAT(error, HasSubstr("203.0.113.9"));
}

TEST_F(ProgramTest, CreateShowsWhatItWasToldAndReplacesOnlyByForce) {
  mkdir(Path("tree").c_str(), 0755);
  WriteFile(Path("tree/a"), "aa");
  WriteFile(Path("tree/b"), "b");
  const std::string file = Path("t.torrent");
  std::string out, error;
  EXPECT_EQ(Run({"create", Path("tree"), "-o", file, "-a", "http://one.invalid/announce", "--private", "--comment",
                 "Gruß", "-l", "64K"},
                &out),
            0);
  EXPECT_THAT(out, HasSubstr("1 pieces of 64.0 KiB"));
  EXPECT_EQ(Run({"create", Path("tree"), "-o", file}, nullptr, &error), 2);
  EXPECT_THAT(error, HasSubstr("--force"));
  EXPECT_EQ(Run({"show", file, "--json"}, &out), 0);
  const auto shown = nlohmann::json::parse(out);
  EXPECT_EQ(shown["name"], "tree");
  EXPECT_EQ(shown["private"], true);
  EXPECT_EQ(shown["comment"], "Gruß");
  EXPECT_EQ(shown["piece_length"], 65536);
  EXPECT_EQ(shown["files"][1]["path"], "tree/b");
  EXPECT_EQ(Run({"show", file}, &out), 0);
  EXPECT_THAT(out, HasSubstr(shown["infohash"].get<std::string>()));
  EXPECT_EQ(Run({"create", Path("tree/a"), "-o", file, "-f", "-q"}, &out), 0);
  EXPECT_EQ(out, "");
  EXPECT_EQ(Run({"show", file, "--json"}, &out), 0);
  EXPECT_EQ(nlohmann::json::parse(out)["name"], "a");
}

}  // namespace
}  // namespace torrent
