#include "commands/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace shim::commands {
namespace {

constexpr std::string_view kPurpose = "finds which registry has an image, between kubelet and container runtime";

// The code point that begins at `at` in UTF-8 of our own, and how many bytes it has.
std::pair<std::uint32_t, std::size_t> code_point(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  constexpr std::array<unsigned, 5> kMasks = {0, 0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t value = lead & kMasks[length];
  for (std::size_t i = 1; i < length && at + i < text.size(); ++i) {
    value = (value << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3f);
  }
  return {value, length};
}

// groff_char(7): a hyphen of ours is one to be copied, and other characters are named by their code points.
std::string escaped(std::string_view text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (std::size_t i = 0; i < text.size();) {
    const auto [value, length] = code_point(text, i);
    if (value >= 0x80) {
      out += fmt::format("\\[u{:04X}]", value);
    } else if (text[i] == '\\') {
      out += "\\e";
    } else if (text[i] == '-') {
      out += "\\-";
    } else {
      out += text[i];
    }
    i += length;
  }
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string capitals(std::string_view heading) {
  if (heading == "Exit codes") return "EXIT STATUS";
  std::string name(heading);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

enum class Level { page, command };

std::string heading(std::string_view name, Level level) {
  return level == Level::page ? fmt::format(".SH {}\n", escaped(capitals(name)))
                              : fmt::format(".PP\n.B {}:\n", escaped(name));
}

// Prose as paragraphs, the lines below a heading as they are.
std::string footer(std::string_view text, Level level) {
  std::string page;
  bool is_verbatim = false;
  bool is_paragraph = false;
  for (const std::string_view line : lines_of(text)) {
    const bool is_indented = line.starts_with("  ");
    if (is_verbatim && !is_indented) {
      page += ".fi\n.RE\n";
      is_verbatim = false;
    }
    if (line.empty()) {
      is_paragraph = false;
    } else if (is_indented) {
      if (!is_verbatim) page += ".RS 4\n.nf\n";
      is_verbatim = true;
      page += escaped(line.substr(2)) + "\n";
    } else if (line.ends_with(':')) {
      page += heading(line.substr(0, line.size() - 1), level);
      is_paragraph = false;
    } else {
      if (!is_paragraph) page += ".PP\n";
      is_paragraph = true;
      page += escaped(line) + "\n";
    }
  }
  return is_verbatim ? page + ".fi\n.RE\n" : page;
}

std::string options(const CommandSyntax& command, Level level) {
  std::string page;
  for (const OptionSyntax& option : command.options) {
    const bool is_help = option.names.back() == "--help";
    if (is_help && level == Level::command) continue;
    std::string names;
    for (const std::string& name : option.names) {
      names += fmt::format("{}{}{}{}", names.empty() ? "" : ", ", option.is_positional ? "\\fI" : "\\fB", escaped(name),
                           "\\fR");
    }
    if (!option.value.empty()) names += fmt::format(" \\fI{}\\fR", escaped(option.value));
    page += fmt::format(".TP\n{}\n{}\n", names, escaped(option.description));
  }
  return page;
}

std::string command_section(const CommandAt& at) {
  std::string name = fmt::format("{}", fmt::join(at.path, " "));
  for (const OptionSyntax& option : at.command.options) {
    if (option.is_positional) name += " " + option.names.front();
  }
  std::string page = fmt::format(".SS {}\n", escaped(name));
  for (const std::string_view line : lines_of(at.command.description)) page += escaped(line) + "\n";
  return page + options(at.command, Level::command) + footer(at.command.footer, Level::command);
}

}  // namespace

std::string manual_page(const CommandSyntax& program, std::string_view version) {
  std::string page = fmt::format(
      ".\\\" Made by `image-cri-shim man`.\n.TH IMAGE\\-CRI\\-SHIM 8 \"\" \"{}\" \"System Administration\"\n"
      ".SH NAME\n{} \\- {}\n"
      ".SH SYNOPSIS\n.B {}\n[\\fB\\-f\\fR \\fIFILE\\fR] [\\fICOMMAND\\fR [\\fIOPTIONS\\fR]]\n.SH DESCRIPTION\n",
      escaped(version), escaped(program.name), kPurpose, escaped(program.name));
  for (const std::string_view line : lines_of(program.description)) page += escaped(line) + "\n";
  const std::size_t sections = std::min(program.footer.find("\n\n"), program.footer.size());
  page += footer(std::string_view(program.footer).substr(0, sections), Level::page);
  page += ".SH OPTIONS\n" + options(program, Level::page) + ".SH COMMANDS\n";
  for (const CommandAt& at : commands_in(program)) {
    const bool is_leaf = !at.path.empty() && at.command.subcommands.empty();
    if (is_leaf) page += command_section(at);
  }
  return page + footer(std::string_view(program.footer).substr(sections), Level::page);
}

}  // namespace shim::commands
