#include "commands/command_syntax.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <utility>

namespace shim::commands {
namespace {

// `TEXT:{bash,zsh,fish}`: of an option that takes one of some words.
std::vector<std::string> words_in(const std::string& type) {
  const std::size_t open = type.find('{');
  const std::size_t close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  std::vector<std::string> words;
  std::string rest = type.substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    words.push_back(rest.substr(0, end));
    rest.erase(0, std::min(end + 1, rest.size()));
  }
  return words;
}

OptionSyntax syntax_of(const CLI::Option& option) {
  OptionSyntax syntax{.names = {}, .description = option.get_description()};
  syntax.is_positional = option.get_positional() && !option.nonpositional();
  const std::string type = option.get_type_name();
  syntax.words = words_in(type);
  if (syntax.is_positional) {
    syntax.names.push_back(option.get_name(true));
    return syntax;
  }
  for (const std::string& name : option.get_snames()) syntax.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) syntax.names.push_back("--" + name);
  const bool is_flag = option.get_expected_max() == 0 || option.get_type_size_max() == 0;
  if (!is_flag) syntax.value = type.substr(0, type.find_first_of(": "));
  if (!is_flag && !option.get_default_str().empty()) syntax.description += "; default: " + option.get_default_str();
  return syntax;
}

void add_commands(std::vector<CommandAt>& all, std::vector<std::string> path, const CommandSyntax& command) {
  all.push_back({path, command});
  for (const CommandSyntax& subcommand : command.subcommands) {
    std::vector<std::string> below = path;
    below.push_back(subcommand.name);
    add_commands(all, std::move(below), subcommand);
  }
}

}  // namespace

CommandSyntax syntax_of(const CLI::App& app) {
  CommandSyntax syntax{.name = app.get_name(), .description = app.get_description(), .footer = app.get_footer()};
  const auto is_shown = [](const CLI::Option* option) { return !option->get_group().empty(); };
  for (const CLI::Option* option : app.get_options(is_shown)) syntax.options.push_back(syntax_of(*option));
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!subcommand->get_group().empty()) syntax.subcommands.push_back(syntax_of(*subcommand));
  }
  return syntax;
}

std::string summary_of(const std::string& description) {
  std::string line = description;
  std::ranges::replace(line, '\n', ' ');
  return line.substr(0, std::min({line.find(". "), line.find("; "), line.find(": "), line.size()}));
}

std::vector<CommandAt> commands_in(const CommandSyntax& program) {
  std::vector<CommandAt> all;
  add_commands(all, {}, program);
  return all;
}

}  // namespace shim::commands
