#include "cri/name_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/text.h"
#include "cri/name_codec.h"

namespace shim::cri {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 8 * 1024 * 1024;            // octets; 4096 of the longest names are less
constexpr std::string_view kTemporary = ".image-cri-shim.";  // atomic_file's
constexpr std::chrono::minutes kAbandoned{1};                // nobody writes a temporary file for so long

std::string file_in(const std::string& folder) {
  return folder + "/names.json";
}

std::string reason(int error) {
  return std::generic_category().message(error);
}

Expected<void> make_folder(const std::string& folder) {
  std::error_code error;
  const fs::path parent = fs::path(folder).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (!error && (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST)) return {};
  const std::string why = error ? error.message() : reason(errno);
  return fail(fmt::format("cannot make the state directory {}: {}", printable(folder), why));
}

Expected<void> check_folder(const std::string& folder) {
  if (auto made = make_folder(folder); !made) return made;
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return fail(fmt::format("cannot write to the state directory {}: {}", printable(folder), reason(errno)));
}

void remove_abandoned(const std::string& folder) {
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    if (!file->path().filename().string().starts_with(kTemporary)) continue;
    const auto written = file->last_write_time(error);
    if (!error && now - written > kAbandoned) fs::remove(file->path(), error);
    error.clear();  // of one file
  }
}

// What is left of a file that cannot be used, for an operator to look at.
std::string set_aside(const std::string& path) {
  const std::string beside = path + ".unreadable";
  if (::rename(path.c_str(), beside.c_str()) == 0) return "it is kept as " + printable(beside);
  return fmt::format("it could not be kept aside ({})", reason(errno));
}

Expected<DecodedNames> decode_file(const std::string& path) {
  const auto text = read_file(path, kMaxFile);
  if (!text) return std::unexpected(text.error());
  auto decoded = decode_names(*text);
  if (!decoded) return fail(fmt::format("cannot use {}: {}", printable(path), decoded.error().message));
  return decoded;
}

}  // namespace

StoredNames read_names(const std::string& folder) {
  StoredNames stored;
  if (const auto usable = check_folder(folder); !usable) {
    stored.is_writable = false;
    stored.warnings.push_back(
        fmt::format("{}; the original names of images are kept in memory only, and a restart forgets them. Make it "
                    "writable, or set `image` to a directory that is",
                    usable.error().message));
  } else {
    remove_abandoned(folder);
  }

  const std::string path = file_in(folder);
  struct stat attributes{};
  if (::lstat(path.c_str(), &attributes) != 0 && (errno == ENOENT || errno == ENOTDIR)) return stored;
  auto decoded = decode_file(path);
  if (!decoded) {
    stored.warnings.push_back(fmt::format("{}; {}, and the original names of images are remembered anew",
                                          decoded.error().message, set_aside(path)));
    return stored;
  }
  if (decoded->skipped > 0) {
    stored.warnings.push_back(fmt::format("{}: {} of its names are skipped, the first because of this: {}",
                                          printable(path), decoded->skipped, decoded->first_problem));
  }
  stored.names = std::move(decoded->names);
  return stored;
}

Expected<void> write_names(const std::string& folder, const std::vector<RememberedName>& names) {
  if (auto made = make_folder(folder); !made) return made;
  return replace_file(file_in(folder), encode_names(names), 0600);
}

}  // namespace shim::cri
