// One exchange as libcurl sees it: an easy handle set up from a Request, which collects the Response. Internal to
// http/.
#pragma once

#include <curl/curl.h>

#include <array>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>

#include "http/client.h"
#include "http/route.h"
#include "http/url.h"

namespace shim::http {

// Borrows what it is given; stays where it is, as libcurl holds its address.
class Transfer {
 public:
  Transfer(const Request& request, const Url& url, const Route& route, const std::string& user_agent);
  Transfer(Transfer&&) = delete;

  CURL* handle() const { return easy_.get(); }
  // REQUIRES: not started yet. The time that is left for it.
  void set_time(std::chrono::milliseconds time);
  // What came of it; `code` is libcurl's, nothing where the wait for it was cancelled.
  std::expected<Response, Failure> finish(std::optional<CURLcode> code);

 private:
  struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct ListDeleter {
    void operator()(curl_slist* list) const;  // overwrites the fields first, as one may hold a secret
  };

  static CURLcode on_tls(CURL* easy, void* context, void* self);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);

  void set_route();
  void set_proxy(const Proxy& proxy);
  void set_method();
  void set_fields();
  void set_tls();
  bool add_field(std::string_view name, std::string_view value);
  void take_field(std::string_view line);

  const Request& request_;
  const Url& url_;
  const Route& route_;
  std::unique_ptr<curl_slist, ListDeleter> fields_;     // libcurl borrows them, so they go after the handle
  std::unique_ptr<curl_slist, ListDeleter> addresses_;  // the same
  std::unique_ptr<CURL, EasyDeleter> easy_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  Response response_;
  bool began_tls_ = false;
  std::size_t header_bytes_ = 0;
  std::string_view exceeded_;  // the part of the answer that is over its limit: `header` or `body`
};

}  // namespace shim::http
