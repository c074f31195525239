#include "runtimes/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "image/match.h"
#include "runtimes/containerd_config.h"
#include "runtimes/status_config.h"

namespace shim::runtimes {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUsualFile = "/etc/containerd/config.toml";
constexpr std::size_t kMostFileBytes = 1024 * 1024;
constexpr std::size_t kMostImports = 64;
constexpr Release kTransferService{2, 1};  // whose CRI plugin was the first to pull with it
constexpr Release kDefaultFolders{2, 2};   // which was the first to have some
constexpr std::string_view kDefaultConfigPath = "/etc/containerd/certs.d:/etc/docker/certs.d";

// What one import means: a path, or a glob in its last part.
std::vector<std::string> imported_files(const std::string& import, const std::string& importing) {
  const fs::path path = fs::path(importing).parent_path() / import;
  if (import.find('*') == import.npos) return {path.string()};
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator file(path.parent_path(), error), end;
       !error && file != end && files.size() < kMostImports; file.increment(error)) {
    if (image::glob_matches(path.filename().string(), file->path().filename().string())) {
      files.push_back(file->path().string());
    }
  }
  std::ranges::sort(files);
  return files;
}

Expected<ContainerdConfig> read_file_of_containerd(const std::string& path) {
  const auto text = read_file(path, kMostFileBytes);
  if (!text) return std::unexpected(text.error());
  auto config = read_containerd_config(*text);
  if (!config) return fail(fmt::format("{}: {}", path, config.error().message));
  return config;
}

// The file and, one level deep, what it imports.
Expected<ContainerdConfig> read_with_imports(const std::string& path) {
  auto config = read_file_of_containerd(path);
  if (!config) return config;
  for (const std::string& import : std::vector(config->imports)) {
    for (const std::string& file : imported_files(import, path)) {
      const auto imported = read_file_of_containerd(file);
      if (!imported) return imported;
      import_into(*config, *imported);
    }
  }
  return config;
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error) || error;
}

// containerd 2 has its defaults where there is no file.
void take_file(RuntimeSettings& settings) {
  const bool is_missing = !exists(settings.file);
  auto config = is_missing ? Expected<ContainerdConfig>(ContainerdConfig()) : read_with_imports(settings.file);
  if (!config) {
    settings.problem = config.error().message;
    return;
  }
  settings.file_version = is_missing ? 0 : config->version;
  if (settings.registries || settings.release.major < 2) return;  // Status has said what counts
  settings.sandbox_image = std::move(config->sandbox_image);
  settings.registries = std::move(config->registries);
  settings.pulls_itself = settings.release < kTransferService || config->pulls_itself;
  if (settings.release >= kDefaultFolders && settings.registries->config_path.empty() &&
      settings.registries->mirrors.empty()) {
    settings.registries->config_path = kDefaultConfigPath;
  }
}

}  // namespace

RuntimeSettings inspect(const Answers& answers, std::optional<std::string> config_file) {
  RuntimeSettings settings;
  settings.kind = kind_of(answers.name);
  settings.release = release_of(answers.version);
  if (!answers.config.empty()) {
    auto config = read_status_config(answers.config);
    if (config) {
      settings.sandbox_image = std::move(config->sandbox_image);
      settings.registries = std::move(config->registries);
    } else {
      settings.problem = config.error().message;
    }
  }
  if (settings.kind != Kind::containerd) return settings;
  settings.file = config_file.value_or(std::string(kUsualFile));
  take_file(settings);
  if (!settings.registries && settings.problem.empty()) settings.problem = "it does not say how it is configured";
  return settings;
}

}  // namespace shim::runtimes
