#include "http/curl_failure.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>

#include "base/units.h"

namespace shim::http {
namespace {

using namespace std::chrono_literals;

// OpenSSL's X509_V_ERR_* (x509_vfy.h), which CURLINFO_SSL_VERIFYRESULT gives.
constexpr long kNotYetValid = 9;
constexpr long kExpired = 10;
constexpr long kSelfSignedLeaf = 18;
constexpr long kSelfSignedInChain = 19;
constexpr long kIssuerNotFound = 20;
constexpr long kLeafNotVerifiable = 21;

long proxy_status(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return status;
}

curl_off_t time_of(CURL* easy, CURLINFO what) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, what, &microseconds);
  return microseconds;
}

// For people: 1.998s is 2s.
std::string rounded(std::chrono::milliseconds time) {
  const std::chrono::milliseconds unit(time < 200ms ? 1 : time < 2s ? 10 : 100);
  return format_duration((time + unit / 2) / unit * unit);
}

// Whom the connection goes to, in messages that begin with the URL's origin.
std::string connected_peer(CURL* easy, const Url& url, const Route& route) {
  const char* address = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
  if (!address || !*address) return route.peer(url);
  return (route.proxy ? "the proxy " : "") + authority_of(address, route.port(url));
}

bool is_answering(CURL* easy) {
  return time_of(easy, CURLINFO_STARTTRANSFER_TIME_T) > 0;
}
bool has_asked(CURL* easy) {
  return time_of(easy, CURLINFO_PRETRANSFER_TIME_T) > 0;
}
bool was_connected(const CurlEnd& end) {
  return end.began_tls || is_answering(end.easy) || has_asked(end.easy) ||
         time_of(end.easy, CURLINFO_CONNECT_TIME_T) > 0;
}

// At which stage of the exchange its time was up.
std::string time_out_reason(const CurlEnd& end, const Request& request, const Url& url, const Route& route) {
  CURL* easy = end.easy;
  if (end.fell_silent) {
    return fmt::format("connected to {}, but silent for {} in its answer", connected_peer(easy, url, route),
                       rounded(request.idle_timeout));
  }
  const std::string within = "within " + rounded(route.time_given);
  if (!was_connected(end)) return fmt::format("no connection to {} {}", route.peer(url), within);
  const std::string connected = "connected to " + connected_peer(easy, url, route);
  if (is_answering(easy)) return fmt::format("{}, but its answer did not end {}", connected, within);
  if (has_asked(easy) || !url.is_secure()) return fmt::format("{}, but no answer {}", connected, within);
  if (route.proxy && proxy_status(easy) == 0) return fmt::format("{}, but no answer of it {}", connected, within);
  return fmt::format("{}, but the TLS handshake did not end {}", connected, within);
}

// libcurl has no code of its own for a proxy that refuses to connect.
bool is_refused_by_proxy(CURL* easy) {
  const long status = proxy_status(easy);
  return status != 0 && status / 100 != 2;
}

std::string proxy_refusal(CURL* easy, const Proxy& proxy) {
  const long status = proxy_status(easy);
  return fmt::format("the proxy {} answered {}{}", proxy.origin(), status,
                     status == 407 ? ": it wants a user and password, or others: http://user:password@host:port" : "");
}

std::string connect_reason(CURL* easy, const Route& route) {
  const std::string to_proxy = route.proxy ? fmt::format("proxy {}: ", route.proxy->origin()) : "";
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  if (number == ECONNREFUSED) return to_proxy + "connection refused";
  if (number == 0) return to_proxy + "cannot connect";
  return to_proxy + "cannot connect: " + std::generic_category().message(static_cast<int>(number));
}

std::string verification_reason(CURL* easy, std::string_view text, const Request& request, const Url& url) {
  if (text.find("target host name") != std::string_view::npos) {
    const std::string& name = request.tls.server_name.empty() ? url.host() : request.tls.server_name;
    return fmt::format("its certificate is not valid for the name \"{}\": use a name that it has", name);
  }
  long result = 0;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
  switch (result) {
    case kExpired:
      return "its certificate has expired";
    case kNotYetValid:
      return "its certificate is not valid yet: is this node's clock right?";
    case kSelfSignedLeaf:
    case kSelfSignedInChain:
    case kIssuerNotFound:
    case kLeafNotVerifiable:
      if (!request.tls.ca_data.empty()) return "its certificate is not signed by an authority of the CA certificates";
      return request.tls.ca.empty()
                 ? "its certificate is signed by an unknown authority: set tls.ca to that authority's certificate"
                 : fmt::format("its certificate is not signed by an authority in tls.ca {}", request.tls.ca);
    default:
      return fmt::format("its certificate cannot be verified (OpenSSL error {})", result);
  }
}

// The part of OpenSSL's message for people: `error:0A00045C:SSL routines::tlsv13 alert certificate required`.
std::string_view openssl_reason(std::string_view text) {
  const auto at = text.rfind("::");
  return at == std::string_view::npos ? text : text.substr(at + 2);
}

// An authority that was made anew under its old name: OpenSSL finds it, and its key does not fit.
bool is_signature_mismatch(std::string_view text) {
  return text.find("asn1 encoding routines") != std::string_view::npos ||
         text.find("rsa routines") != std::string_view::npos;
}

std::string handshake_reason(std::string_view text, const Url& url) {
  const std::string_view reason = openssl_reason(text);
  if (is_signature_mismatch(text)) {
    return "its certificate is signed by an unknown authority, which has the name of a trusted one but another key: "
           "is tls.ca up to date?";
  }
  if (reason.find("wrong version number") != std::string_view::npos ||
      reason.find("packet length too long") != std::string_view::npos ||
      reason.find("http request") != std::string_view::npos) {
    return fmt::format("answered plain HTTP: write http://{}:{} in the address", url.host(), url.port());
  }
  if (reason.find("alert certificate required") != std::string_view::npos ||
      reason.find("alert bad certificate") != std::string_view::npos) {
    return fmt::format("TLS handshake failed: {}: set tls.cert and tls.key", reason);
  }
  return fmt::format("TLS handshake failed: {}", reason);
}

std::string place_of_ca(const TlsOptions& tls) {
  if (!tls.ca_data.empty()) return ": they are not PEM";
  return " in " + (tls.ca.empty() ? "the system's store" : tls.ca);
}

std::string client_certificate_reason(const TlsOptions& tls) {
  if (!tls.cert_data.empty()) return "cannot use the client certificate: it is not PEM, or the key is not its own";
  return fmt::format("cannot use the client certificate {} with key {}", tls.cert, tls.key);
}

Failure failure(Failure::Kind kind, const Url& url, std::string_view reason) {
  return Failure{{fmt::format("{}: {}", url.origin(), reason)}, kind};
}

Failure failure_of(const CurlEnd& end, const Request& request, const Url& url, const Route& route) {
  using enum Failure::Kind;
  CURL* easy = end.easy;
  const std::string_view text = end.text;
  if (route.proxy && is_refused_by_proxy(easy)) return failure(unreachable, url, proxy_refusal(easy, *route.proxy));
  switch (end.code) {
    case CURLE_COULDNT_CONNECT:
      return failure(unreachable, url, connect_reason(easy, route));
    case CURLE_OPERATION_TIMEDOUT: {
      Failure late = failure(timed_out, url, time_out_reason(end, request, url, route));
      late.time_given = end.fell_silent ? request.idle_timeout : route.time_given;
      return late;
    }
    case CURLE_PEER_FAILED_VERIFICATION:
      return failure(tls, url, verification_reason(easy, text, request, url));
    case CURLE_SSL_CONNECT_ERROR:
      return failure(tls, url, handshake_reason(text, url));
    case CURLE_SSL_CACERT_BADFILE:
      return failure(invalid, url, "cannot read the CA certificates" + place_of_ca(request.tls));
    case CURLE_SSL_CERTPROBLEM:
      return failure(invalid, url, client_certificate_reason(request.tls));
    case CURLE_GOT_NOTHING:
      return failure(unreachable, url, "closed the connection without an answer");
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      if (text.find("alert") != std::string_view::npos) return failure(tls, url, handshake_reason(text, url));
      return failure(unreachable, url, text.empty() ? "connection lost" : fmt::format("connection lost: {}", text));
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return failure(unreachable, url, "broke its answer off");
    default:
      return failure(unreachable, url, text.empty() ? std::string_view(curl_easy_strerror(end.code)) : text);
  }
}

}  // namespace

Failure curl_failure(const CurlEnd& end, const Request& request, const Url& url, const Route& route) {
  Failure failure = failure_of(end, request, url, route);
  failure.was_connected = was_connected(end);
  failure.was_answered = end.has_head;
  return failure;
}

}  // namespace shim::http
