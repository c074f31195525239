// What is served where: the paths of an HTTP endpoint, each with the function that answers it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace shim::observe {

// A GET, percent-decoded. Whatever a client may send is in here: any octets, in any parameter.
struct Request {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  // in the order of the URL

  // The value of the first parameter of that name.
  std::optional<std::string> parameter(std::string_view name) const;
};

// `target` is what stands in the request line: `/resolve?image=nginx%3A1.25` (RFC 9112 §3.2.1, origin-form).
Expected<Request> parse_target(std::string_view target);

struct Answer {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields{};  // further ones of the head: `Content-Security-Policy`
};

// `{"error": "…"}`, one line.
Answer error_answer(int status, std::string_view message);

// Runs on the I/O thread, may wait, and ends soon once it is cancelled.
using Handler = std::function<boost::asio::awaitable<Answer>(Request)>;

class Router {
 public:
  // REQUIRES: nothing is at `path` yet.
  void add(std::string path, Handler handler);
  // Null where nothing is.
  const Handler* find(std::string_view path) const;
  std::vector<std::string> paths() const;

 private:
  std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace shim::observe
