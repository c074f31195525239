// One exchange as libcurl sees it: an easy handle set up from a Request, which collects the Response. Internal to
// http/.
#pragma once

#include <curl/curl.h>

#include <array>
#include <expected>
#include <functional>
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
  // REQUIRES: not started yet. The time that is left for it, and of that for a connection.
  void set_time(std::chrono::milliseconds time, std::chrono::milliseconds connect_time);
  // REQUIRES: not started yet. `tell` is called when the head of the answer has come, and for each piece of its body.
  void on_progress(std::function<void()> tell) { tell_ = std::move(tell); }
  bool has_head() const { return has_head_; }
  // Its peer has been silent for the request's `idle_timeout`: finish() will say so.
  void was_silent() { fell_silent_ = true; }
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

  std::string sent_url() const;
  bool has_server_name() const;
  void set_route();
  void set_proxy(const Proxy& proxy);
  void set_method();
  void set_fields();
  void set_tls();
  void set_content(CURLoption option, std::string_view pem);
  bool add_field(std::string_view name, std::string_view value);
  void take_field(std::string_view line);
  bool end_head();
  bool take_piece(std::string_view piece);
  std::optional<PeerCertificate> certificate() const;

  const Request& request_;
  const Url& url_;
  const Route& route_;
  std::unique_ptr<curl_slist, ListDeleter> fields_;      // libcurl borrows them, so they go after the handle
  std::unique_ptr<curl_slist, ListDeleter> addresses_;   // the same
  std::unique_ptr<curl_slist, ListDeleter> connect_to_;  // the same
  std::unique_ptr<CURL, EasyDeleter> easy_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  Response response_;
  std::function<void()> tell_;
  bool began_tls_ = false;
  bool has_head_ = false;
  bool is_stream_ = false;    // its body goes to the request's `on_body` …
  bool was_stopped_ = false;  // … which wanted no more
  bool fell_silent_ = false;
  std::size_t header_bytes_ = 0;
  std::string_view exceeded_;  // the part of the answer that is over its limit: `header` or `body`
};

}  // namespace shim::http
