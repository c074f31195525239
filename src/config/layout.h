// Where the keys of a configuration file stand in its text, as byte offsets: what a surgical edit needs to know. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shim::config {

struct Layout {
  enum class Form {
    nothing,  // no value is written
    flow,     // a scalar of any style, an alias, or a list or block in brackets
    list,     // with dashes, below its key
    block,    // keys below their key
  };

  struct Entry {
    std::string key;
    std::size_t begin = 0;      // its first byte
    std::size_t colon_end = 0;  // behind its colon; 0 where the key has a form that cannot be edited (a tag, an anchor,
                                // `? key`)
    std::size_t column = 0;     // of the key, in bytes
    Form form = Form::nothing;
    std::size_t value_begin = 0;  // the value's first byte (its anchor, its tag); colon_end where there is none
    std::size_t value_end = 0;  // behind the value's last byte: comments and blank lines that follow are not part of it
    std::vector<Entry> entries;  // of a top-level value of the form `block`
  };
  struct Anchor {
    std::size_t at = 0;
    std::vector<std::size_t> aliases;  // where it is used
  };

  std::vector<Entry> entries;  // top level, in file order; merge keys (`<<`) are entries too
  std::size_t column = 0;      // of the top-level keys
  std::size_t begin = 0;       // behind a byte order mark
  std::size_t end = 0;  // where a top-level key can be added: behind the last line of the document that is not blank
  std::vector<Anchor> anchors;

  // REQUIRES: Document::parse() accepts `text`.
  // Errors: the top level is in flow style, a key does not begin its line, control characters.
  static Expected<Layout> of(std::string_view text);

  // The first top-level entry of that key, or null.
  const Entry* find(std::string_view key) const;
};

}  // namespace shim::config
