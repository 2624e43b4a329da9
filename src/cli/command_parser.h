// The parser of one command's options, over CLI11. A value that CLI11 only stores as text is converted by a check of
// ours, whose message names the option. Thread: main.
#ifndef TORRENT_CLI_COMMAND_PARSER_H_
#define TORRENT_CLI_COMMAND_PARSER_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "base/status.h"
#include "cli/quantity.h"

namespace torrent {

// Options below a usage line of our own, without the types that CLI11 derives.
class HelpFormat : public CLI::Formatter {
 public:
  explicit HelpFormat(std::string usage) : usage_(std::move(usage)) { column_width(27); }
  std::string make_usage(const CLI::App*, std::string) const override { return usage_; }
  std::string make_positionals(const CLI::App*) const override { return ""; }
  std::string make_group(std::string group, bool, std::vector<const CLI::Option*> options) const override {
    std::string text = absl::StrCat(group, ":\n");
    for (const CLI::Option* option : options) absl::StrAppend(&text, make_option(option, false));
    return text;
  }
  std::string make_option_name(const CLI::Option* option, bool) const override {
    return absl::StrReplaceAll(option->get_name(false, true), {{",", ", "}, {"{false}", ""}});
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    return type.empty() || type[0] == '[' ? type : " " + type;
  }

 private:
  const std::string usage_;
};

// One command: CLI11's parser, and what is left to check when it is done.
class CommandParser {
 public:
  CommandParser(std::string overview, std::string usage) : app_(std::move(overview), "torrent") {
    app_.formatter(std::make_shared<HelpFormat>(std::move(usage)));
    app_.set_help_flag("");
  }

  CLI::App& app() { return app_; }
  CommandParser& Group(std::string name) {
    group_ = std::move(name);
    return *this;
  }

  void Flag(const std::string& names, bool* value, const std::string& help) {
    app_.add_flag(names, *value, help)->group(group_);
  }
  void Text(const std::string& names, const std::string& type, std::string* value, const std::string& help) {
    app_.add_option(names, *value, help)->type_name(type)->group(group_)->type_size(1)->expected(1)->take_last();
  }
  // `parse` takes the text into its place and says what is wrong with it.
  template <typename Parse>
  void Checked(const std::string& names, const std::string& type, Parse parse, const std::string& help) {
    const std::string name = names.substr(names.rfind("--"));
    app_.add_option_function<std::string>(
            names,
            [this, name, parse](const std::string& text) {
              absl::Status status = parse(text);
              if (!status.ok() && error_.ok()) error_ = Annotate(status, name);
            },
            help)
        ->type_name(type)
        ->group(group_)
        ->trigger_on_parse();
  }
  void Size(const std::string& names, const std::string& type, uint64_t least, uint64_t* value,
            const std::string& help) {
    Checked(
        names, type,
        [value, least](absl::string_view text) -> absl::Status {
          ASSIGN_OR_RETURN(*value, ParseSize(text));
          if (*value < least) {
            return absl::InvalidArgumentError(absl::StrCat(text, " is too little; at least ", FormatSize(least)));
          }
          return absl::OkStatus();
        },
        help);
  }
  template <typename Number>
  void Integer(const std::string& names, const std::string& type, int64_t least, int64_t most, Number* value,
               const std::string& help) {
    Checked(
        names, type,
        [value, least, most](absl::string_view text) -> absl::Status {
          int64_t number;
          if (!absl::SimpleAtoi(text, &number) || number < least || number > most) {
            return absl::InvalidArgumentError(
                absl::StrCat("\"", text, "\" is not a whole number from ", least, " to ", most));
          }
          *value = static_cast<Number>(number);
          return absl::OkStatus();
        },
        help);
  }

  // Parses what follows the command's name. Text when help or the version was asked for.
  absl::StatusOr<absl::optional<std::string>> Parse(absl::Span<const char* const> words) {
    app_.set_help_flag("-h,--help", "This text")->group(group_);      // last of its group
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants it
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
      return absl::make_optional(app_.help());
    } catch (const CLI::CallForVersion&) {
      return absl::make_optional<std::string>("torrent " TORRENT_VERSION "\n");
    } catch (const CLI::Error& error) {
      return absl::InvalidArgumentError(absl::StrCat(error.what(), "; `torrent --help` tells what there is"));
    }
    RETURN_IF_ERROR(error_);
    return absl::optional<std::string>();
  }

 private:
  CLI::App app_;
  std::string group_ = "Options";
  absl::Status error_;
};

}  // namespace torrent

#endif  // TORRENT_CLI_COMMAND_PARSER_H_
