#include "observe/router.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <cassert>
#include <nlohmann/json.hpp>

namespace shim::observe {

std::optional<std::string> Request::parameter(std::string_view name) const {
  const auto found = std::ranges::find(query, name, [](const auto& each) { return std::string_view(each.first); });
  if (found == query.end()) return std::nullopt;
  return found->second;
}

Expected<Request> parse_target(std::string_view target) {
  const auto parsed = boost::urls::parse_origin_form(boost::core::string_view(target.data(), target.size()));
  if (!parsed) return fail("the request's target is not a path with a query");
  Request request{.path = parsed->path(), .query = {}};
  for (const auto& parameter : parsed->params()) request.query.emplace_back(parameter.key, parameter.value);
  return request;
}

Answer error_answer(int status, std::string_view message) {
  const nlohmann::json body = {{"error", message}};
  return {.status = status,
          .content_type = "application/json",
          .body = body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n"};
}

void Router::add(std::string path, Handler handler) {
  [[maybe_unused]] const bool is_new = handlers_.emplace(std::move(path), std::move(handler)).second;
  assert(is_new);
}

const Handler* Router::find(std::string_view path) const {
  const auto found = handlers_.find(path);
  return found == handlers_.end() ? nullptr : &found->second;
}

std::vector<std::string> Router::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, handler] : handlers_) paths.push_back(path);
  return paths;
}

}  // namespace shim::observe
