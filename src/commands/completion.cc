#include "commands/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace shim::commands {
namespace {

// `/config/show`; the program itself is empty.
std::string path_of(const CommandAt& at) {
  std::string path;
  for (const std::string& name : at.path) path += "/" + name;
  return path;
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

// In single quotes, for all three shells.
std::string quoted(std::string_view text, Shell shell) {
  std::string quote = "'";
  for (const char c : text) {
    if (c == '\'') {
      quote += shell == Shell::fish ? "\\'" : "'\\''";
    } else if (c == '\\' && shell == Shell::fish) {
      quote += "\\\\";
    } else {
      quote += c;
    }
  }
  return quote + "'";
}

// Those of the command, and those of the program that are understood after it.
std::vector<OptionSyntax> options_at(const CommandSyntax& program, const CommandAt& at) {
  std::vector<OptionSyntax> options = at.command.options;
  if (at.path.empty()) return options;
  std::ranges::copy_if(program.options, std::back_inserter(options),
                       [](const OptionSyntax& option) { return !option.is_positional && !option.value.empty(); });
  return options;
}

std::vector<std::string> names_with_value(const CommandSyntax& program, bool is_path) {
  std::vector<std::string> names;
  for (const CommandAt& at : commands_in(program)) {
    for (const OptionSyntax& option : at.command.options) {
      if (option.is_positional || option.value.empty() || option.wants_path() != is_path) continue;
      for (const std::string& name : option.names) {
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
      }
    }
  }
  return names;
}

std::vector<std::string> all_names_with_value(const CommandSyntax& program) {
  std::vector<std::string> names = names_with_value(program, true);
  std::ranges::copy(names_with_value(program, false), std::back_inserter(names));
  return names;
}

std::vector<std::string> all_paths(const CommandSyntax& program) {
  std::vector<std::string> paths;
  for (const CommandAt& at : commands_in(program)) {
    if (!at.path.empty()) paths.push_back(path_of(at));
  }
  return paths;
}

std::vector<std::string> words_at(const CommandSyntax& program, const CommandAt& at) {
  std::vector<std::string> words;
  for (const CommandSyntax& subcommand : at.command.subcommands) words.push_back(subcommand.name);
  for (const OptionSyntax& option : options_at(program, at)) {
    const auto& more = option.is_positional ? option.words : option.names;
    words.insert(words.end(), more.begin(), more.end());
  }
  return words;
}

std::string bash_script(const CommandSyntax& program) {
  std::string text =
      fmt::format(R"(# bash completion for {0}
_image_cri_shim() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {1}) ((i++)); continue ;;
    esac
    case $command/${{COMP_WORDS[i]}} in
      {2}) command=$command/${{COMP_WORDS[i]}} ;;
    esac
  done
  COMPREPLY=()
  case $previous in
    {3}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    {4}) return ;;
  esac
  case $command in
)",
                  program.name, joined(all_names_with_value(program), "|"), joined(all_paths(program), "|"),
                  joined(names_with_value(program, true), "|"), joined(names_with_value(program, false), "|"));
  for (const CommandAt& at : commands_in(program)) {
    text +=
        fmt::format("    '{}') words={} ;;\n", path_of(at), quoted(joined(words_at(program, at), " "), Shell::bash));
  }
  return text + fmt::format(R"(  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _image_cri_shim {}
)",
                            program.name);
}

// `word:what it is`, as _describe takes them.
std::string zsh_pair(const std::string& word, const std::string& description) {
  std::string escaped;
  for (const char c : word) escaped += c == ':' ? "\\:" : std::string(1, c);
  return quoted(escaped + ":" + summary_of(description), Shell::zsh);
}

std::string zsh_case(const CommandSyntax& program, const CommandAt& at) {
  std::string words;
  std::string options;
  for (const CommandSyntax& subcommand : at.command.subcommands) {
    words += " " + zsh_pair(subcommand.name, subcommand.description);
  }
  for (const OptionSyntax& option : options_at(program, at)) {
    for (const std::string& word : option.words) {
      if (option.is_positional) words += " " + zsh_pair(word, option.description);
    }
    if (option.is_positional) continue;
    for (const std::string& name : option.names) options += " " + zsh_pair(name, option.description);
  }
  return fmt::format("    '{}') words_here=({}) options_here=({}) ;;\n", path_of(at), words, options);
}

std::string zsh_script(const CommandSyntax& program) {
  std::string text =
      fmt::format(R"(#compdef {0}
_image_cri_shim() {{
  local command='' i
  local -a words_here options_here
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      {1}) ((i++)); continue ;;
    esac
    case $command/$words[i] in
      {2}) command=$command/$words[i] ;;
    esac
  done
  case $words[CURRENT-1] in
    {3}) _files; return ;;
    {4}) return 1 ;;
  esac
  case $command in
)",
                  program.name, joined(all_names_with_value(program), "|"), joined(all_paths(program), "|"),
                  joined(names_with_value(program, true), "|"), joined(names_with_value(program, false), "|"));
  for (const CommandAt& at : commands_in(program)) text += zsh_case(program, at);
  return text + fmt::format(R"(  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe -o option options_here
  else
    _describe command words_here
  fi
}}
if [[ $funcstack[1] == _image_cri_shim ]]; then
  _image_cri_shim "$@"
else
  compdef _image_cri_shim {}
fi
)",
                            program.name);
}

std::string fish_option(const OptionSyntax& option) {
  std::string text;
  for (const std::string& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.value.empty()) text += option.wants_path() ? " -r -F" : " -x";
  return text + " -d " + quoted(summary_of(option.description), Shell::fish);
}

std::string fish_lines(const CommandSyntax& program, const CommandAt& at) {
  const std::string start =
      fmt::format("complete -c {} -n 'test (__image_cri_shim_command) = root{}'", program.name, path_of(at));
  std::string text;
  for (const CommandSyntax& subcommand : at.command.subcommands) {
    text += fmt::format("{} -a {} -d {}\n", start, subcommand.name,
                        quoted(summary_of(subcommand.description), Shell::fish));
  }
  for (const OptionSyntax& option : options_at(program, at)) {
    if (!option.is_positional) {
      text += start + fish_option(option) + "\n";
    } else if (!option.words.empty()) {
      text += fmt::format("{} -a {}\n", start, quoted(joined(option.words, " "), Shell::fish));
    }
  }
  return text;
}

std::string fish_script(const CommandSyntax& program) {
  std::string text = fmt::format(R"(# fish completion for {}
function __image_cri_shim_command
    set -l command
    set -l is_value 0
    for word in (commandline -opc)[2..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch $word
            case {}
                set is_value 1
                continue
        end
        switch "$command/$word"
            case {}
                set command "$command/$word"
        end
    end
    echo "root$command"
end
complete -c {} -f
)",
                                 program.name, joined(all_names_with_value(program), " "),
                                 joined(all_paths(program), " "), program.name);
  for (const CommandAt& at : commands_in(program)) text += fish_lines(program, at);
  return text;
}

}  // namespace

std::string completion_script(const CommandSyntax& program, Shell shell) {
  switch (shell) {
    case Shell::bash:
      return bash_script(program);
    case Shell::zsh:
      return zsh_script(program);
    case Shell::fish:
      break;
  }
  return fish_script(program);
}

}  // namespace shim::commands
