#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torrent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<Arguments> Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "torrent");
  return ParseArguments(static_cast<int>(words.size()), words.data());
}

template <typename Command>
Command Parsed(std::vector<const char*> words) {
  const absl::StatusOr<Arguments> arguments = Parse(std::move(words));
  EXPECT_TRUE(arguments.ok()) << arguments.status();
  if (!arguments.ok() || !absl::holds_alternative<Command>(*arguments)) {
    ADD_FAILURE() << "another command than expected";
    return Command();
  }
  return absl::get<Command>(*arguments);
}

std::string ErrorOf(std::vector<const char*> words) {
  const absl::StatusOr<Arguments> arguments = Parse(std::move(words));
  if (arguments.ok()) return "no error";
  EXPECT_EQ(arguments.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(arguments.status().message().find('\n'), absl::string_view::npos) << "more than one line";
  return std::string(arguments.status().message());
}

TEST(ArgumentsTest, TakesSourcesAndDefaults) {
  const auto a = Parsed<DownloadArguments>({"a.torrent", "http://h/b.torrent"});
  EXPECT_THAT(a.sources, ElementsAre("a.torrent", "http://h/b.torrent"));
  EXPECT_EQ(a.torrent.output_dir, ".");
  EXPECT_EQ(a.session.port, 6881);
  EXPECT_EQ(a.session.max_peers, 200);
  EXPECT_TRUE(a.session.listen);
  EXPECT_TRUE(a.torrent.wait_for_space);
  EXPECT_FALSE(a.torrent.seed);
  EXPECT_EQ(a.timeout.count(), 0);
}

TEST(ArgumentsTest, TakesEveryOptionOfADownload) {
  const auto a = Parsed<DownloadArguments>({"x",
                                            "--output",
                                            "d",
                                            "--select",
                                            "1,2",
                                            "--select",
                                            "*.c",
                                            "--allocate",
                                            "--overwrite",
                                            "--no-wait",
                                            "--state",
                                            "s",
                                            "--download-limit",
                                            "4M",
                                            "--upload-limit=500K",
                                            "--timeout",
                                            "5m",
                                            "--memory",
                                            "8M",
                                            "--port",
                                            "7777",
                                            "--bind",
                                            "eth0",
                                            "--no-listen",
                                            "--max-peers",
                                            "50",
                                            "--peer",
                                            "1.2.3.4:5",
                                            "--peer",
                                            "[::1]:6",
                                            "-a",
                                            "http://t/announce",
                                            "--tracker",
                                            "udp://u:1",
                                            "--json",
                                            "-v"});
  EXPECT_EQ(a.torrent.output_dir, "d");
  EXPECT_THAT(a.select, ElementsAre("1,2", "*.c"));
  EXPECT_TRUE(a.torrent.allocate);
  EXPECT_TRUE(a.torrent.overwrite);
  EXPECT_FALSE(a.torrent.wait_for_space);
  EXPECT_EQ(a.session.state_dir, "s");
  EXPECT_EQ(a.session.download_limit, 4 << 20);
  EXPECT_EQ(a.session.upload_limit, 500 << 10);
  EXPECT_EQ(a.timeout.count(), 300);
  EXPECT_EQ(a.session.memory_bytes, 8u << 20);
  EXPECT_EQ(a.session.port, 7777);
  EXPECT_EQ(a.session.bind, "eth0");
  EXPECT_FALSE(a.session.listen);
  EXPECT_EQ(a.session.max_peers, 50);
  EXPECT_THAT(a.torrent.peers, ElementsAre("1.2.3.4:5", "[::1]:6"));
  EXPECT_THAT(a.torrent.trackers, ElementsAre("http://t/announce", "udp://u:1"));
  EXPECT_TRUE(a.json);
  EXPECT_TRUE(a.verbose);
}

TEST(ArgumentsTest, SeedTakesNoFollowingWordAsItsValue) {
  const auto bare = Parsed<DownloadArguments>({"--seed", "--port", "7777", "--output", "d", "file"});
  EXPECT_TRUE(bare.torrent.seed);
  EXPECT_EQ(bare.torrent.seed_ratio, 0);
  EXPECT_EQ(bare.torrent.seed_time.count(), 0);
  EXPECT_THAT(bare.sources, ElementsAre("file"));
  EXPECT_THAT(Parsed<DownloadArguments>({"--seed", "2.0"}).sources, ElementsAre("2.0"));
}

TEST(ArgumentsTest, SeedValueIsARatioUnlessItHasAUnit) {
  EXPECT_EQ(Parsed<DownloadArguments>({"f", "--seed=1.5"}).torrent.seed_ratio, 1.5);
  EXPECT_EQ(Parsed<DownloadArguments>({"f", "--seed=90m"}).torrent.seed_time.count(), 5400);
  EXPECT_EQ(Parsed<DownloadArguments>({"f", "--seed=1h30m"}).torrent.seed_time.count(), 5400);
  for (const char* word : {"--seed=x", "--seed=-1", "--seed=0", "--seed=nan", "--seed=0s", "--seed=inf"}) {
    EXPECT_THAT(ErrorOf({"f", word}), HasSubstr("--seed: ")) << word;
  }
}

TEST(ArgumentsTest, ErrorsNameTheOptionAndWhatWasTyped) {
  const struct {
    std::vector<const char*> words;
    const char* option;
    const char* value;
  } kCases[] = {
      {{"f", "--download-limit", "fast"}, "--download-limit", "fast"},
      {{"f", "--upload-limit", "4MB"}, "--upload-limit", "4MB"},
      {{"f", "--peer", "nowhere"}, "--peer", "nowhere"},
      {{"f", "--peer", "host.example:5"}, "--peer", "host.example:5"},
      {{"f", "--peer", "1.2.3.4:0"}, "--peer", "1.2.3.4:0"},
      {{"f", "--peer", "::1:5"}, "--peer", "::1:5"},
      {{"f", "--port", "65536"}, "--port", "65536"},
      {{"f", "--port", "x"}, "--port", "x"},
      {{"f", "--max-peers", "0"}, "--max-peers", "0"},
      {{"f", "--memory", "1K"}, "--memory", "1K"},
      {{"f", "--timeout", "soon"}, "--timeout", "soon"},
      {{"f", "-a", "ftp://x"}, "--tracker", "ftp://x"},
      {{"f", "--no-such-option"}, "--no-such-option", "--help"},
      {{"f", "--output"}, "--output", "DIR"},
      {{"create", "p", "-l", "3K"}, "--piece-length", "3K"},
      {{"create", "p", "-l", "8K"}, "--piece-length", "8K"},
      {{"create", "p", "-l", "32M"}, "--piece-length", "32M"},
      {{"create", "p", "-w", "file:///x"}, "--web-seed", "file:///x"},
      {{"create"}, "PATH", "--help"},
      {{"show"}, "SOURCE", "--help"},
      {{"magnet"}, "FILE", "--help"},
      {{"dht", "put"}, "put", "get"},
      {{"dht", "get"}, "dht get", "one infohash"},
      {{"dht", "get", "xyz"}, "xyz", "40 hex digits"},
      {{"f", "--dht-bootstrap", "host"}, "--dht-bootstrap", "HOST:PORT"},
      {{"verify", "a", "b"}, "b", "--help"},
      {{"tracker", "--port", "-1"}, "--port", "-1"},
  };
  for (const auto& c : kCases) {
    const std::string error = ErrorOf(c.words);
    EXPECT_THAT(error, HasSubstr(c.option));
    EXPECT_THAT(error, HasSubstr(c.value));
  }
  EXPECT_THAT(ErrorOf({}), HasSubstr("SOURCE"));
  EXPECT_THAT(ErrorOf({"f", "-q", "-v"}), HasSubstr("-q and -v"));
}

TEST(ArgumentsTest, CommandsTakeTheirOptions) {
  const auto create =
      Parsed<CreateArguments>({"create", "p", "-a", "http://a", "-a", "http://b", "-w", "https://c", "-l", "256K",
                               "--private", "--comment", "c c", "-o", "o.torrent", "-f", "-q"});
  EXPECT_EQ(create.options.path, "p");
  EXPECT_THAT(create.options.trackers, ElementsAre("http://a", "http://b"));
  EXPECT_THAT(create.options.web_seeds, ElementsAre("https://c"));
  EXPECT_EQ(create.options.piece_length, 256u << 10);
  EXPECT_TRUE(create.options.is_private);
  EXPECT_EQ(create.options.comment, "c c");
  EXPECT_EQ(create.output, "o.torrent");
  EXPECT_TRUE(create.force);

  const auto verify = Parsed<VerifyArguments>({"verify", "--output", "d", "f"});
  EXPECT_EQ(verify.source, "f");
  EXPECT_EQ(verify.output_dir, "d");

  const auto show = Parsed<ShowArguments>({"show", "f", "--json", "--scrape"});
  EXPECT_TRUE(show.json);
  EXPECT_TRUE(show.scrape);

  const auto tracker = Parsed<TrackerArguments>({"tracker", "--port", "0", "--bind", "127.0.0.1"});
  EXPECT_EQ(tracker.port, 0);
  EXPECT_EQ(tracker.bind, "127.0.0.1");
}

TEST(ArgumentsTest, ACommandsNameCountsOnlyAsTheFirstWord) {
  EXPECT_THAT(Parsed<DownloadArguments>({"-q", "create"}).sources, ElementsAre("create"));
  EXPECT_THAT(Parsed<DownloadArguments>({"./show"}).sources, ElementsAre("./show"));
}

// Hazard 31 (CVE-2015-5474): what follows `--` is data.
TEST(ArgumentsTest, WordsAfterTwoDashesAreSources) {
  const auto a = Parsed<DownloadArguments>({"--", "--seed", "-q"});
  EXPECT_THAT(a.sources, ElementsAre("--seed", "-q"));
  EXPECT_FALSE(a.torrent.seed);
}

TEST(ArgumentsTest, HelpNamesEveryOptionOnceAndShowsExamples) {
  const std::string help = Parsed<HelpArguments>({"--help"}).text;
  for (const char* option : {"--output",
                             "--select",
                             "--allocate",
                             "--overwrite",
                             "--no-wait",
                             "--state",
                             "--seed[=RATIO|TIME]",
                             "--download-limit",
                             "--upload-limit",
                             "--timeout",
                             "--memory",
                             "--port",
                             "--bind",
                             "--no-listen",
                             "--max-peers",
                             "--peer",
                             "--tracker",
                             "--json",
                             "--quiet",
                             "--verbose",
                             "--version",
                             "--help",
                             "Examples:"}) {
    EXPECT_THAT(help, HasSubstr(option));
  }
  EXPECT_EQ(help.find('{'), std::string::npos) << help;
  for (size_t start = 0; start < help.size();) {
    const size_t end = help.find('\n', start);
    EXPECT_LE(end - start, 110u) << help.substr(start, end - start);
    start = end + 1;
  }
  for (const char* command : {"create", "show", "verify", "tracker"}) {
    EXPECT_THAT(Parsed<HelpArguments>({command, "--help"}).text, HasSubstr("Usage: torrent"));
  }
  EXPECT_EQ(Parsed<HelpArguments>({"--version"}).text, "torrent " TORRENT_VERSION "\n");
}

}  // namespace
}  // namespace torrent
