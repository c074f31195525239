// The names of NameStore as the text of `names.json`: JSON that people can read, one name a line, oldest first.
//
//   {"version": 1, "names": [
//   {"original":"nginx:1.25","pulled":"sealos.hub:5000/library/nginx:1.25","remembered":"2024-06-07T08:09:10Z"}
//   ]}
//
// Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cri/name_store.h"

namespace shim::cri {

std::string encode_names(std::span<const RememberedName> names);

struct DecodedNames {
  std::vector<RememberedName> names;
  std::size_t skipped = 0;      // entries that name no image
  std::string first_problem{};  // of the first of them
};

// Errors: no JSON; not the shape above; another version, which only a later shim can read. Keys that are not known are
// ignored. A time that cannot be read is the epoch: it is for people.
Expected<DecodedNames> decode_names(std::string_view text);

}  // namespace shim::cri
