// What a stream of ours may use: colours and a width where people look at it, neither where a program reads it.
#pragma once

#include <cstddef>

namespace shim::commands {

struct Terminal {
  bool has_colours = false;
  std::size_t columns = 0;  // 0: lines of any length
  std::size_t rows = 0;     // 0: not known
};

// Of an open descriptor. No colours with NO_COLOR (not empty, https://no-color.org) or TERM=dumb.
Terminal terminal_of(int descriptor);

}  // namespace shim::commands
