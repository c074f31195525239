// What the outside can do wrong, as a value.
//
// An Error is read by an operator: it says what was tried, on what, why it failed and, where that is known, what to
// do. It never carries a secret: messages are built from addresses, names and codes, not from credentials.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace shim {

struct Error {
  std::string message;
};

template <class T>
using Expected = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string message) {
  return std::unexpected(Error{std::move(message)});
}

}  // namespace shim
