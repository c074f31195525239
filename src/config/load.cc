#include "config/load.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "base/atomic_file.h"

namespace shim::config {

const FilePlaces& default_file_places() {
  static const FilePlaces places = {"/etc/image-cri-shim.yaml", "/etc/image-cri-shim/config.yaml"};
  return places;
}

Expected<std::string> choose_file(std::string_view requested, const FilePlaces& places) {
  if (!requested.empty()) return std::string(requested);
  for (const std::string& place : places) {
    // Only a file that is surely absent is passed over: one that cannot be looked at is an error of load().
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::symlink_status(place, error);
    if (status.type() != std::filesystem::file_type::not_found) return place;
  }
  return fail(fmt::format("no configuration file: neither {} nor {} exists; write one, or name another with --file",
                          places[0], places[1]));
}

Expected<std::string> load(const std::string& path) {
  return read_file(path, kMostFileBytes);
}

}  // namespace shim::config
