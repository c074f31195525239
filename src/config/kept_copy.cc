#include "config/kept_copy.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/text.h"
#include "config/document.h"
#include "config/load.h"
#include "config/parse.h"
#include "config/reload.h"

namespace shim::config {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr std::string_view kSpace = " \t\r";

std::string path_in(const std::string& state_directory) {
  return state_directory + "/last-good.yaml";
}

Expected<void> make_folder(const std::string& folder) {
  std::error_code error;
  const fs::path parent = fs::path(folder).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (!error && (::mkdir(folder.c_str(), kFolderMode) == 0 || errno == EEXIST)) return {};
  const std::string why = error ? error.message() : std::generic_category().message(errno);
  return fail(fmt::format("cannot make the state directory {}: {}", printable(folder), why));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool take(std::string_view& line, std::string_view start) {
  if (!line.starts_with(start)) return false;
  line.remove_prefix(start.size());
  return true;
}

// The value in a line `image: /path  # why`, also with quotes, as in JSON; nothing in another line.
std::optional<std::string> image_in(std::string_view line) {
  line = trimmed(line);
  if (!take(line, "image") && !take(line, "\"image\"") && !take(line, "'image'")) return std::nullopt;
  line = trimmed(line);
  if (!take(line, ":")) return std::nullopt;
  line = trimmed(line);
  const bool is_quoted = line.starts_with('"') || line.starts_with('\'');
  if (is_quoted) {
    const std::size_t end = line.find(line.front(), 1);
    return std::string(end == std::string_view::npos ? "" : line.substr(1, end - 1));
  }
  return std::string(trimmed(line.substr(0, std::min(line.find(" #"), line.find(',')))));
}

// A file that is no YAML any more is read line by line.
std::optional<std::string> written_image(std::string_view text) {
  Diagnostics ignored("");
  if (const auto document = Document::parse(text, ignored)) {
    for (const Node::Member& member : document->root().members) {
      if (member.key == "image") return member.value->text;
    }
    return std::nullopt;
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (auto image = image_in(text.substr(at, end - at))) return image;
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace

Expected<void> keep_copy(const std::string& state_directory, std::string_view text) {
  const std::string path = path_in(state_directory);
  if (const auto there = load(path); there && *there == text) return {};
  if (auto made = make_folder(state_directory); !made) return made;
  return replace_file(path, text, kFileMode);
}

std::vector<std::string> state_directories(std::string_view text, const Environment& environment) {
  std::vector<std::string> folders;
  if (const auto written = written_image(text)) {
    const auto folder = expand(*written, environment);
    if (folder && folder->starts_with('/')) folders.push_back(*folder);
  }
  if (const std::string usual = Config().image; std::ranges::find(folders, usual) == folders.end()) {
    folders.push_back(usual);
  }
  return folders;
}

Expected<KeptCopy> find_kept_copy(const std::vector<std::string>& state_directories, const Environment& environment) {
  std::string reasons;
  for (const std::string& folder : state_directories) {
    const std::string path = path_in(folder);
    auto text = load(path);
    ParseResult parsed;
    if (text) parsed = parse(*text, path, environment);
    if (parsed.config) return KeptCopy{path, std::move(*text), std::move(*parsed.config)};
    if (!reasons.empty()) reasons += "; ";
    reasons += text ? errors_in_a_line(parsed.diagnostics) : text.error().message;
  }
  return fail("there is no copy of an earlier configuration that could be used: " + reasons);
}

}  // namespace shim::config
