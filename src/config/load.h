// Which configuration file, and its text. Blocks on the disk: not for the I/O thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/error.h"

namespace shim::config {

inline constexpr std::size_t kMostFileBytes = 1024 * 1024;

// Where the file is looked for without `--file`, first found wins.
using FilePlaces = std::array<std::string, 2>;
const FilePlaces& default_file_places();

// The path of the file: `requested` (`--file`) where it is not empty, whether it exists or not; else the first of
// `places` that exists. Errors: none of them does (the message names both).
Expected<std::string> choose_file(std::string_view requested, const FilePlaces& places = default_file_places());

// The text of the file. Errors: missing, unreadable, a folder, a FIFO or device (never waited for), above 1 MiB.
Expected<std::string> load(const std::string& path);

}  // namespace shim::config
