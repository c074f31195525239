#include "http/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "http/ca_store.h"
#include "http/curl_failure.h"

namespace shim::http {
namespace {

std::string_view without_spaces(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

void wipe(char* text) {
  for (volatile char* at = text; *at; ++at) *at = 0;
}

}  // namespace

void Transfer::ListDeleter::operator()(curl_slist* list) const {
  for (curl_slist* at = list; at; at = at->next) wipe(at->data);
  curl_slist_free_all(list);
}

Transfer::Transfer(const Request& request, const Url& url, const Route& route, const std::string& user_agent)
    : request_(request), url_(url), route_(route), easy_(curl_easy_init()) {
  CURL* easy = handle();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy, CURLOPT_URL, sent_url().c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Without it, removing a handle waits for a resolver thread, for seconds where the name server is silent.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  set_route();
  set_method();
  set_fields();
  set_tls();
}

// libcurl verifies the host of the URL, and sends it as SNI: that is then the name of the certificate, and the host
// that is meant is where it connects to (set_route).
std::string Transfer::sent_url() const {
  return has_server_name() ? url_.with_host(request_.tls.server_name) : url_.text();
}

bool Transfer::has_server_name() const {
  return url_.is_secure() && !request_.tls.server_name.empty();
}

void Transfer::set_time(std::chrono::milliseconds time, std::chrono::milliseconds connect_time) {
  // 0 is libcurl's "for ever".
  const auto milliseconds = [](std::chrono::milliseconds of) {
    return std::max<long>(1, static_cast<long>(of.count()));
  };
  curl_easy_setopt(handle(), CURLOPT_TIMEOUT_MS, milliseconds(time));
  curl_easy_setopt(handle(), CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connect_time));
}

// Leaves libcurl nothing to find out: neither a proxy in the environment nor an address.
void Transfer::set_route() {
  CURL* easy = handle();
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_PROXY, route_.proxy ? route_.proxy->origin().c_str() : "");
  if (!route_.unix_socket.empty()) {
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, route_.unix_socket.c_str());
    return;
  }
  if (const std::string entry = route_.resolve_entry(url_); !entry.empty()) {
    addresses_.reset(curl_slist_append(nullptr, entry.c_str()));
    curl_easy_setopt(easy, CURLOPT_RESOLVE, addresses_.get());
  }
  if (has_server_name()) {
    const std::string entry = "::" + authority_of(url_.host(), url_.port());
    connect_to_.reset(curl_slist_append(nullptr, entry.c_str()));
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
  }
  if (route_.proxy) set_proxy(*route_.proxy);
}

void Transfer::set_proxy(const Proxy& proxy) {
  CURL* easy = handle();
  const auto set_secret = [easy](CURLoption option, const std::optional<Secret>& secret) {
    if (!secret) return;
    std::string text(secret->reveal());
    curl_easy_setopt(easy, option, text.c_str());
    wipe(text.data());
  };
  set_secret(CURLOPT_PROXYUSERNAME, proxy.user);
  set_secret(CURLOPT_PROXYPASSWORD, proxy.password);
  const CaStore& trusted = system_ca_store();
  curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, trusted.file.empty() ? nullptr : trusted.file.c_str());
  curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, trusted.directory.empty() ? nullptr : trusted.directory.c_str());
}

void Transfer::set_method() {
  CURL* easy = handle();
  switch (request_.method) {
    case Method::get:
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
      return;
    case Method::head:
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
      return;
    case Method::post:
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size is the next option
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.reveal().data());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.reveal().size()));
      return;
  }
}

void Transfer::set_fields() {
  if (has_server_name()) add_field("Host", url_.authority());
  for (const Header& field : request_.headers.fields()) add_field(field.name, field.value);
  if (!request_.content_type.empty()) add_field("Content-Type", request_.content_type);
  if (request_.authorization) add_field("Authorization", request_.authorization->reveal());
  if (request_.method == Method::post) add_field("Expect", "");  // `Expect: 100-continue` would cost a second
  curl_easy_setopt(handle(), CURLOPT_HTTPHEADER, fields_.get());
}

// An empty value keeps libcurl from sending a field of its own.
bool Transfer::add_field(std::string_view name, std::string_view value) {
  Secret line(fmt::format("{}: {}", name, value));
  curl_slist* longer = curl_slist_append(fields_.get(), std::string(line.reveal()).c_str());
  if (!longer) return false;
  static_cast<void>(fields_.release());
  fields_.reset(longer);
  return true;
}

void Transfer::set_tls() {
  if (!url_.is_secure()) return;
  CURL* easy = handle();
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &Transfer::on_tls);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this);
  const TlsOptions& tls = request_.tls;
  const bool has_own_ca = !tls.ca.empty() || !tls.ca_data.empty();
  const CaStore trusted = has_own_ca ? CaStore{.file = tls.ca, .directory = {}} : system_ca_store();
  // Both are set, as the default of the one left out would be trusted beside the other.
  curl_easy_setopt(easy, CURLOPT_CAINFO, trusted.file.empty() ? nullptr : trusted.file.c_str());
  curl_easy_setopt(easy, CURLOPT_CAPATH, trusted.directory.empty() ? nullptr : trusted.directory.c_str());
  // The system's bundle is kept parsed; a file of the operator's is small and may be replaced at any time.
  if (!tls.ca.empty()) curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  if (!tls.cert.empty()) curl_easy_setopt(easy, CURLOPT_SSLCERT, tls.cert.c_str());
  if (!tls.key.empty()) curl_easy_setopt(easy, CURLOPT_SSLKEY, tls.key.c_str());
  if (request_.wants_certificate) {  // which libcurl keeps of a handshake alone
    curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  }
  set_content(CURLOPT_CAINFO_BLOB, tls.ca_data);
  set_content(CURLOPT_SSLCERT_BLOB, tls.cert_data);
  set_content(CURLOPT_SSLKEY_BLOB, tls.key_data.reveal());
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls.insecure_skip_verify ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls.insecure_skip_verify ? 0L : 2L);
}

// Content comes before a file. libcurl compares certificates by content where it looks for a connection to use again.
void Transfer::set_content(CURLoption option, std::string_view pem) {
  if (pem.empty()) return;
  // libcurl only reads it. Not copied: a key must not stay in memory that nobody clears.
  curl_blob blob{.data = const_cast<char*>(pem.data()), .len = pem.size(), .flags = CURL_BLOB_NOCOPY};
  curl_easy_setopt(handle(), option, &blob);
}

// libcurl's own times do not tell a connection in its handshake from one that is not there.
CURLcode Transfer::on_tls(CURL*, void*, void* self) {
  static_cast<Transfer*>(self)->began_tls_ = true;
  return CURLE_OK;
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  transfer.header_bytes_ += bytes;
  if (transfer.header_bytes_ > transfer.request_.max_header_bytes) {
    transfer.exceeded_ = "header";
    return CURL_WRITEFUNC_ERROR;
  }
  transfer.take_field({data, bytes});
  const bool is_end = bytes <= 2 && !transfer.has_head_;
  return is_end && !transfer.end_head() ? CURL_WRITEFUNC_ERROR : bytes;
}

// The empty line has come: of an answer, or of an informational one before it.
bool Transfer::end_head() {
  long status = 0;
  curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
  if (status / 100 == 1) return true;
  has_head_ = true;
  is_stream_ = request_.on_body && status / 100 == 2;
  return take_piece("");
}

void Transfer::take_field(std::string_view line) {
  if (line.starts_with("HTTP/")) {  // a status line: what came before was an informational answer
    response_.headers.clear();
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  response_.headers.add(std::string(without_spaces(line.substr(0, colon))),
                        std::string(without_spaces(line.substr(colon + 1))));
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  const std::size_t bytes = size * count;
  return static_cast<Transfer*>(self)->take_piece({data, bytes}) ? bytes : CURL_WRITEFUNC_ERROR;
}

bool Transfer::take_piece(std::string_view piece) {
  if (tell_) tell_();
  if (is_stream_) {
    was_stopped_ = !request_.on_body(piece);
    return !was_stopped_;
  }
  if (response_.body.size() + piece.size() > request_.max_body_bytes) {
    exceeded_ = "body";
    return false;
  }
  response_.body.append(piece);
  return true;
}

// The first of the chain is the peer's own.
std::optional<PeerCertificate> Transfer::certificate() const {
  curl_certinfo* chain = nullptr;
  const bool is_there = request_.wants_certificate &&
                        curl_easy_getinfo(handle(), CURLINFO_CERTINFO, &chain) == CURLE_OK && chain != nullptr &&
                        chain->num_of_certs > 0;
  if (!is_there) return std::nullopt;
  std::vector<std::string_view> fields;
  for (const curl_slist* field = chain->certinfo[0]; field != nullptr; field = field->next) {
    fields.emplace_back(field->data);
  }
  return read_certificate(fields);
}

std::expected<Response, Failure> Transfer::finish(std::optional<CURLcode> code) {
  if (!code) return std::unexpected(Failure{{url_.origin() + ": cancelled"}, Failure::Kind::cancelled});
  if (!exceeded_.empty()) {
    const auto limit = exceeded_ == "body" ? request_.max_body_bytes : request_.max_header_bytes;
    return std::unexpected(
        Failure{{fmt::format("{}: the {} of its answer is longer than {} bytes", url_.origin(), exceeded_, limit)},
                Failure::Kind::too_large});
  }
  if (*code != CURLE_OK && !was_stopped_) {
    const CurlEnd end{*code, handle(), error_text_.data(), began_tls_, has_head_, fell_silent_};
    return std::unexpected(curl_failure(end, request_, url_, route_));
  }

  long status = 0;
  curl_off_t microseconds = 0;
  curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle(), CURLINFO_TOTAL_TIME_T, &microseconds);
  response_.status = static_cast<int>(status);
  response_.elapsed = std::chrono::microseconds(microseconds);
  response_.certificate = certificate();
  return std::move(response_);
}

}  // namespace shim::http
