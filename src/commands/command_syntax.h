// The command line as data: what the parser knows, for completions and the manual page.
//
// A footer is prose, with sections such as `Exit codes:` and `Examples:`: a line at the margin that ends with a colon,
// and the indented lines below it.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace shim::commands {

struct OptionSyntax {
  std::vector<std::string> names;    // `-f`, `--file`; of an argument without a name, what stands for it: `IMAGE`
  std::string value{};               // what comes after it: `FILE`; empty: nothing
  std::vector<std::string> words{};  // that the value may be; empty: any
  std::string description{};
  bool is_positional = false;

  bool wants_path() const { return value == "FILE" || value == "SOCKET"; }
};

struct CommandSyntax {
  std::string name;
  std::string description{};
  std::string footer{};
  std::vector<OptionSyntax> options{};  // in the order of --help
  std::vector<CommandSyntax> subcommands{};
};

// Without what is hidden.
CommandSyntax syntax_of(const CLI::App& app);

// The first sentence or clause of a description, on one line.
std::string summary_of(const std::string& description);

// `config show`, with all that a user may say from there on; the program itself comes first, with an empty path.
struct CommandAt {
  std::vector<std::string> path;
  const CommandSyntax& command;
};
std::vector<CommandAt> commands_in(const CommandSyntax& program);

}  // namespace shim::commands
