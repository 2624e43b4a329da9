#include "cli/arguments.h"

#include <arpa/inet.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/host_port.h"
#include "base/status.h"
#include "cli/command_parser.h"
#include "cli/quantity.h"

namespace torrent {
namespace {

constexpr char kOverview[] =
    "Downloads what a .torrent file or a magnet link names, and uploads to others meanwhile.\n"
    "The same command again continues where it stopped.\n";
constexpr char kUsage[] =
    "Usage: torrent SOURCE... [OPTIONS]      download; SOURCE is a .torrent file, a URL of one, or a magnet link\n"
    "       torrent create PATH [OPTIONS]    make a .torrent of a file or a folder\n"
    "       torrent show SOURCE [OPTIONS]    tell what is in a torrent\n"
    "       torrent magnet FILE              tell the magnet link of a .torrent\n"
    "       torrent verify FILE [OPTIONS]    tell which files are whole\n"
    "       torrent tracker [OPTIONS]        run a small tracker\n"
    "       torrent dht [get INFOHASH]       show a live node of the DHT, or the peers that it finds\n\n";
constexpr char kExamples[] =
    "Examples:\n"
    "  torrent debian.torrent -o ~/Downloads\n"
    "  torrent 'magnet:?xt=urn:btih:...' --seed=2.0 --upload-limit 1M\n"
    "  torrent show debian.torrent && torrent debian.torrent --select '1,3-5,*.txt'\n"
    "  torrent create photos/ -a http://tracker.example/announce\n"
    "`torrent COMMAND --help` tells about a command; `man torrent` tells everything.";

// "2.0" is a ratio; with a unit behind it ("90m", "1d") it is a time.
absl::Status ParseSeed(absl::string_view text, TorrentOptions* options) {
  options->seed = true;
  double ratio;
  if (!text.empty() && absl::SimpleAtod(text, &ratio)) {
    if (!(ratio > 0) || ratio > 1e6) {
      return absl::InvalidArgumentError(absl::StrCat("ratio ", text, " is not above 0 and at most 1000000"));
    }
    options->seed_ratio = ratio;
    return absl::OkStatus();
  }
  absl::StatusOr<std::chrono::seconds> time = ParseDuration(text);
  if (!time.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is neither a ratio, as 1.5, nor a duration, as 90m or 2h"));
  }
  if (time->count() == 0) return absl::InvalidArgumentError("a duration of 0 is none");
  options->seed_time = *time;
  return absl::OkStatus();
}

// "1.2.3.4:6881" or "[::1]:6881".
absl::Status CheckPeer(absl::string_view text) {
  const size_t colon = text.rfind(':');
  int port;
  if (colon != absl::string_view::npos && absl::SimpleAtoi(text.substr(colon + 1), &port) && port > 0 && port < 65536) {
    std::string host(text.substr(0, colon));
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host.c_str(), address) == 1) return absl::OkStatus();
    if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
      host = host.substr(1, host.size() - 2);
      if (inet_pton(AF_INET6, host.c_str(), address) == 1) return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not ADDRESS:PORT, as 10.0.0.1:6881 or [2001:db8::1]:6881"));
}

absl::Status CheckHttpUrl(absl::string_view text, bool udp) {
  if (absl::StartsWithIgnoreCase(text, "http://") || absl::StartsWithIgnoreCase(text, "https://")) {
    return absl::OkStatus();
  }
  if (udp && absl::StartsWithIgnoreCase(text, "udp://")) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not a URL with http:// or https://"));
}

// Limits of rates are counted in int64_t, 0: none.
void AddLimit(CommandParser* command, const std::string& name, int64_t* value, const std::string& help) {
  command->Checked(
      name, "RATE",
      [value](absl::string_view text) -> absl::Status {
        ASSIGN_OR_RETURN(const uint64_t rate, ParseSize(text));
        *value = static_cast<int64_t>(rate);
        return absl::OkStatus();
      },
      help);
}

void AddSandbox(CommandParser* command, bool* sandbox) {
  command->Flag("--no-sandbox{false}", sandbox, "Do not give up access to all other files and programs");
}

// How to find others without a tracker.
void AddDiscovery(CommandParser* command, SessionOptions* session) {
  command->Checked(
      "--dht-bootstrap", "HOST:PORT",
      [session](const std::string& text) -> absl::Status {
        session->dht_bootstrap.push_back(text);
        if (ParseHostPort(text)) return absl::OkStatus();
        return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not HOST:PORT, as router.example:6881"));
      },
      "Begin the DHT with this node too (may be repeated)");
}

absl::StatusOr<Arguments> ParseDownload(absl::Span<const char* const> words) {
  DownloadArguments arguments;
  TorrentOptions& torrent = arguments.torrent;
  SessionOptions& session = arguments.session;
  session.dht = session.lan = true;
  CommandParser command(kOverview, kUsage);
  CLI::App& app = command.app();
  app.add_option("SOURCE", arguments.sources);
  app.footer(kExamples);

  command.Group("Files");
  command.Text("-o,--output", "DIR", &torrent.output_dir, "Where the files go (default: the current folder)");
  command.Checked(
      "--select", "LIST",
      [&arguments](const std::string& text) {
        arguments.select.push_back(text);
        return absl::OkStatus();
      },
      "Only these files: 1,3-5,'*.txt' (numbers as `show` tells them)");
  command.Flag("--allocate", &torrent.allocate, "Reserve the space of the files before downloading");
  command.Flag("--overwrite", &torrent.overwrite, "Also write over files that are there and of other content");
  command.Flag("--no-wait{false}", &torrent.wait_for_space,
               "Disk full or not usable: end with exit code 5, do not wait");
  command.Text("--state", "DIR", &session.state_dir, "Where progress is remembered (default: ~/.local/state/torrent)");
  AddSandbox(&command, &arguments.sandbox);

  command.Group("Uploading and speed");
  // A flag, so that its value needs the '=': in `--seed FILE` FILE stays a source.
  std::string seed;
  app.add_flag("--seed", seed, "Go on uploading when complete; until ratio 1.5 or for 2h when so given")
      ->type_name("[=RATIO|TIME]")
      ->group("Uploading and speed");
  AddLimit(&command, "--download-limit", &session.download_limit, "Bytes a second in all; 500K, 4M");
  AddLimit(&command, "--upload-limit", &session.upload_limit, "The same for uploading");
  command.Checked(
      "--timeout", "TIME",
      [&arguments](absl::string_view text) -> absl::Status {
        ASSIGN_OR_RETURN(arguments.timeout, ParseDuration(text));
        return absl::OkStatus();
      },
      "Give up, with exit code 4, when nothing came for so long (seconds)");
  command.Size("--memory", "SIZE", 4 << 20, &session.memory_bytes, "For buffers and tables (default: 64M or less)");

  command.Group("Network");
  command.Integer("--port", "PORT", 0, 65535, &session.port, "Listen here, or on the next free one (default: 6881)");
  command.Text("--bind", "ADDR|IFACE", &session.bind, "Use this address or network interface only");
  command.Flag("--no-listen{false}", &session.listen, "Take no connections, only make them");
  command.Integer("--max-peers", "N", 1, 100000, &session.max_peers, "Connections in all (default: 200)");
  command.Checked(
      "--peer", "ADDR:PORT",
      [&torrent](const std::string& text) {
        torrent.peers.push_back(text);
        return CheckPeer(text);
      },
      "Try this peer too (may be repeated)");
  command.Checked(
      "-a,--tracker", "URL",
      [&torrent](const std::string& text) {
        torrent.trackers.push_back(text);
        return CheckHttpUrl(text, true);
      },
      "Ask this tracker too (may be repeated)");

  command.Flag("--no-dht{false}", &session.dht, "Do not use the distributed hash table");
  command.Flag("--no-lan{false}", &session.lan, "Do not tell or ask the local network");
  command.Flag("--no-pex{false}", &session.pex, "Do not tell peers of peers");
  AddDiscovery(&command, &session);

  command.Group("Output");
  command.Flag("--json", &arguments.json, "Events as JSON, one a line, on stdout");
  command.Flag("-q,--quiet", &arguments.quiet, "Errors only");
  command.Flag("-v,--verbose", &arguments.verbose, "Tell about peers and trackers, on stderr");

  app.set_version_flag("--version", TORRENT_VERSION, "The version")->group("Output");

  ASSIGN_OR_RETURN(const absl::optional<std::string> help, command.Parse(words));
  if (help) return HelpArguments{*help};
  if (seed == "true") {
    torrent.seed = true;
  } else if (!seed.empty()) {
    const absl::Status status = ParseSeed(seed, &torrent);
    if (!status.ok()) return Annotate(status, "--seed");
  }
  if (arguments.sources.empty()) {
    return absl::InvalidArgumentError(
        "no SOURCE given: a .torrent file, a URL of one or a magnet link; `torrent --help` tells more");
  }
  if (arguments.quiet && arguments.verbose) return absl::InvalidArgumentError("-q and -v exclude each other");
  return arguments;
}

absl::StatusOr<Arguments> ParseCreate(absl::Span<const char* const> words) {
  CreateArguments arguments;
  CreateOptions& options = arguments.options;
  CommandParser command("Makes a .torrent of a file or a folder.\n", "Usage: torrent create PATH [OPTIONS]\n\n");
  command.app().add_option("PATH", options.path)->required();
  command.Checked(
      "-a,--tracker", "URL",
      [&options](const std::string& text) {
        options.trackers.push_back(text);
        return CheckHttpUrl(text, true);
      },
      "A tracker (may be repeated)");
  command.Checked(
      "-w,--web-seed", "URL",
      [&options](const std::string& text) {
        options.web_seeds.push_back(text);
        return CheckHttpUrl(text, false);
      },
      "Where the files lie on a web server (may be repeated)");
  command.Checked(
      "-l,--piece-length", "SIZE",
      [&options](absl::string_view text) -> absl::Status {
        ASSIGN_OR_RETURN(const uint64_t size, ParseSize(text));
        if (size < (16 << 10) || size > (16 << 20) || (size & (size - 1)) != 0) {
          return absl::InvalidArgumentError(absl::StrCat(text, " is not a power of two from 16K to 16M"));
        }
        options.piece_length = static_cast<uint32_t>(size);
        return absl::OkStatus();
      },
      "A power of two from 16K to 16M (default: by size)");
  command.Flag("--private", &options.is_private, "Peers from its trackers only");
  command.Text("--comment", "TEXT", &options.comment, "A comment");
  command.Text("-o,--output", "FILE", &arguments.output,
               "The .torrent to write (default: the name of PATH + .torrent)");
  command.Flag("-f,--force", &arguments.force, "Replace FILE when it is there");
  command.Flag("-q,--quiet", &arguments.quiet, "Errors only");
  AddSandbox(&command, &arguments.sandbox);
  ASSIGN_OR_RETURN(const absl::optional<std::string> help, command.Parse(words));
  if (help) return HelpArguments{*help};
  return arguments;
}

absl::StatusOr<Arguments> ParseShow(absl::Span<const char* const> words) {
  ShowArguments arguments;
  arguments.session.dht = arguments.session.lan = true;
  CommandParser command("Tells what is in a torrent, its files as a tree with the numbers that --select takes.\n",
                        "Usage: torrent show SOURCE [OPTIONS]      SOURCE may be an http(s) URL or a magnet link\n\n");
  command.app().add_option("SOURCE", arguments.source)->required();
  command.Flag("--json", &arguments.json, "As one JSON object");
  command.Flag("--scrape", &arguments.scrape, "Ask its trackers how many peers there are");
  command.Text("-o,--output", "FILE", &arguments.output, "Write it as a .torrent too");
  command.Flag("-f,--force", &arguments.force, "Replace FILE when it is there");
  command.Group("Fetching what a magnet link names");
  command.Checked(
      "--timeout", "TIME",
      [&arguments](absl::string_view text) -> absl::Status {
        ASSIGN_OR_RETURN(arguments.timeout, ParseDuration(text));
        return absl::OkStatus();
      },
      "Give up, with exit code 4, after so long (default: 120; 0: never)");
  command.Checked(
      "--peer", "ADDR:PORT",
      [&arguments](const std::string& text) {
        arguments.peers.push_back(text);
        return CheckPeer(text);
      },
      "Try this peer too (may be repeated)");
  command.Integer("--port", "PORT", 0, 65535, &arguments.session.port, "Listen here, or on the next free one");
  command.Text("--bind", "ADDR|IFACE", &arguments.session.bind, "Use this address or network interface only");
  command.Text("--state", "DIR", &arguments.session.state_dir, "Where what was fetched is remembered");
  command.Flag("--no-dht{false}", &arguments.session.dht, "Do not use the distributed hash table");
  command.Flag("--no-lan{false}", &arguments.session.lan, "Do not tell or ask the local network");
  AddDiscovery(&command, &arguments.session);
  AddSandbox(&command, &arguments.sandbox);
  ASSIGN_OR_RETURN(const absl::optional<std::string> help, command.Parse(words));
  if (help) return HelpArguments{*help};
  return arguments;
}

absl::StatusOr<Arguments> ParseMagnetCommand(absl::Span<const char* const> words) {
  MagnetArguments arguments;
  CommandParser command("Tells the magnet link of a .torrent.\n",
                        "Usage: torrent magnet FILE      FILE may be an http(s) URL\n\n");
  command.app().add_option("FILE", arguments.source)->required();
  AddSandbox(&command, &arguments.sandbox);
  ASSIGN_OR_RETURN(const absl::optional<std::string> help, command.Parse(words));
  if (help) return HelpArguments{*help};
  return arguments;
}

absl::StatusOr<Arguments> ParseDht(absl::Span<const char* const> words) {
  DhtArguments arguments;
  arguments.session.dht = true;
  std::vector<std::string> what;
  CommandParser command(
      "Shows a live node of the distributed hash table until Ctrl-C; with `get`, prints the peers of a torrent.\n",
      "Usage: torrent dht [OPTIONS]\n       torrent dht get INFOHASH [OPTIONS]      40 hex digits\n\n");
  command.app().add_option("WHAT", what);
  command.Integer("--port", "PORT", 0, 65535, &arguments.session.port, "Use this port, or the next free one");
  command.Text("--bind", "ADDR|IFACE", &arguments.session.bind, "Use this address or network interface only");
  command.Flag("--no-listen{false}", &arguments.session.listen, "Ask only, answer nobody (BEP 43)");
  command.Text("--state", "DIR", &arguments.session.state_dir, "Where nodes are remembered");
  AddDiscovery(&command, &arguments.session);
  command.Checked(
      "--timeout", "TIME",
      [&arguments](absl::string_view text) -> absl::Status {
        ASSIGN_OR_RETURN(arguments.timeout, ParseDuration(text));
        return absl::OkStatus();
      },
      "End a search, with exit code 4, when nobody answered for so long (default: 60)");
  command.Flag("--json", &arguments.json, "As JSON, one object a line");
  AddSandbox(&command, &arguments.sandbox);
  ASSIGN_OR_RETURN(const absl::optional<std::string> help, command.Parse(words));
  if (help) return HelpArguments{*help};
  if (what.empty()) return arguments;
  if (what[0] != "get") {
    return absl::InvalidArgumentError(absl::StrCat("dht: \"", what[0], "\" is not `get`"));
  }
  if (what.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat("dht get takes one infohash, not ", what.size() - 1));
  }
  arguments.infohash = Infohash::FromHex(what[1]);
  if (!arguments.infohash) {
    return absl::InvalidArgumentError(absl::StrCat("dht get: \"", what[1], "\" is not an infohash of 40 hex digits"));
  }
  return arguments;
}

absl::StatusOr<Arguments> ParseVerify(absl::Span<const char* const> words) {
  VerifyArguments arguments;
  CommandParser command("Hashes what is on disk and tells which files are whole; exit code 6 when not all are.\n",
                        "Usage: torrent verify FILE [-o DIR]      FILE may be an http(s) URL\n\n");
  command.app().add_option("FILE", arguments.source)->required();
  command.Text("-o,--output", "DIR", &arguments.output_dir, "Where the files are (default: the current folder)");
  command.Flag("-q,--quiet", &arguments.quiet, "Errors only; the exit code tells");
  AddSandbox(&command, &arguments.sandbox);
  ASSIGN_OR_RETURN(const absl::optional<std::string> help, command.Parse(words));
  if (help) return HelpArguments{*help};
  return arguments;
}

absl::StatusOr<Arguments> ParseTracker(absl::Span<const char* const> words) {
  TrackerArguments arguments;
  CommandParser command(
      "Runs a small HTTP tracker for any torrent: for a LAN, a test or a lesson. Stop it with Ctrl-C.\n",
      "Usage: torrent tracker [OPTIONS]\n\n");
  command.Integer("--port", "PORT", 0, 65535, &arguments.port, "Listen here (default: 6969; 0: any free one)");
  command.Text("--bind", "ADDR", &arguments.bind, "On this address only (default: all)");
  command.Flag("-q,--quiet", &arguments.quiet, "Errors only");
  AddSandbox(&command, &arguments.sandbox);
  ASSIGN_OR_RETURN(const absl::optional<std::string> help, command.Parse(words));
  if (help) return HelpArguments{*help};
  return arguments;
}

}  // namespace

absl::StatusOr<Arguments> ParseArguments(int argc, const char* const* argv) {
  const absl::Span<const char* const> words(argv, static_cast<size_t>(argc));
  // A command's name counts only as the first word: a file of that name is ./create.
  const absl::string_view first = argc > 1 ? argv[1] : "";
  if (first == "create") return ParseCreate(words.subspan(2));
  if (first == "show") return ParseShow(words.subspan(2));
  if (first == "magnet") return ParseMagnetCommand(words.subspan(2));
  if (first == "dht") return ParseDht(words.subspan(2));
  if (first == "verify") return ParseVerify(words.subspan(2));
  if (first == "tracker") return ParseTracker(words.subspan(2));
  return ParseDownload(words.subspan(argc > 0 ? 1 : 0));
}

}  // namespace torrent
