// The configuration that was good last, kept in the state directory for a start with a file that cannot be used, such
// as after a reboot at 3 a.m. (DESIGN 6). Blocks on the disk: not for the I/O thread.
//
// It has the file's passwords in it, and so is root's alone (0600, in a folder of 0700).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "config/environment.h"

namespace shim::config {

// Writes it, unless it is there already. Errors: as replace_file(); the folder cannot be made.
Expected<void> keep_copy(const std::string& state_directory, std::string_view text);

struct KeptCopy {
  std::string path;
  std::string text;
  Config config;
};

// Where a copy may be: the state directory that the file itself names, as far as that can still be read in it, and the
// default one. `text` is whatever the file holds.
std::vector<std::string> state_directories(std::string_view text, const Environment& environment);

// The first copy that is a valid configuration. Errors: there is none; one that is not valid is named.
Expected<KeptCopy> find_kept_copy(const std::vector<std::string>& state_directories, const Environment& environment);

}  // namespace shim::config
