// For tests of http/ with TLS: a server that may want the client's certificate, or speak HTTP/2, and remembers whom it
// was asked for.
#pragma once

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <string>

#include "http/testing.h"

namespace shim::http::testing {

class TlsPeer {
 public:
  enum class Protocol { http1, http2 };

  // Wants a certificate of the authority in the file `client_ca`; empty: none.
  template <class Certificate>  // test::Certificate
  TlsPeer(const Certificate& identity, const std::string& client_ca, Protocol protocol = Protocol::http1)
      : context_(SSL_CTX_new(TLS_server_method())) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to connections that the client has closed
    use(identity.certificate_pem, identity.key_pem);
    if (!client_ca.empty()) {
      SSL_CTX_load_verify_locations(context_, client_ca.c_str(), nullptr);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      static const unsigned char kSession[] = "test";
      SSL_CTX_set_session_id_context(context_, kSession, sizeof kSession - 1);
    }
    if (protocol == Protocol::http2) SSL_CTX_set_alpn_select_cb(context_, &TlsPeer::select_http2, nullptr);
  }
  TlsPeer(TlsPeer&&) = delete;
  ~TlsPeer() { SSL_CTX_free(context_); }

  // Answers each request in HTTP/1.1.
  void serve(RawConnection& connection) {
    SSL* ssl = accept(connection);
    char bytes[4096];
    for (int count = 0; (count = SSL_read(ssl, bytes, sizeof bytes)) > 0;) {
      const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      const std::lock_guard lock(mutex_);
      server_name_ = name ? name : "";
      request_.assign(bytes, static_cast<std::size_t>(count));
      write(ssl, kHello);
    }
    SSL_free(ssl);
  }
  // Answers each HEADERS frame with `:status: 200` (RFC 9113 §6.2, RFC 7541 appendix A).
  void serve_http2(RawConnection& connection) {
    SSL* ssl = accept(connection);
    char preface[24];
    if (read_all(ssl, preface, sizeof preface)) {
      write(ssl, std::string("\0\0\0\4\0\0\0\0\0", 9));
      unsigned char head[9];
      while (read_all(ssl, head, sizeof head)) {
        std::string payload(static_cast<std::size_t>(head[0] << 16 | head[1] << 8 | head[2]), '\0');
        if (!read_all(ssl, payload.data(), payload.size())) break;
        if (head[3] == 4 && head[4] == 0) write(ssl, std::string("\0\0\0\4\1\0\0\0\0", 9));
        if (head[3] != 1) continue;
        ++streams;
        std::string answer(is_endless ? "\0\0\1\1\4" : "\0\0\1\1\5", 5);
        answer.append(reinterpret_cast<const char*>(head + 5), 4);
        write(ssl, answer + "\x88");
      }
    }
    SSL_free(ssl);
  }

  std::atomic<int> streams = 0;
  std::atomic<bool> is_endless = false;  // HTTP/2: answers have a head and no end

  // The SNI of the last request's connection.
  std::string server_name() const {
    const std::lock_guard lock(mutex_);
    return server_name_;
  }
  // The last request's header.
  std::string request() const {
    const std::lock_guard lock(mutex_);
    return request_;
  }

 private:
  void use(const std::string& certificate_pem, const std::string& key_pem) {
    BIO* certificate = BIO_new_mem_buf(certificate_pem.data(), -1);
    X509* x509 = PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
    BIO* key = BIO_new_mem_buf(key_pem.data(), -1);
    EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_, x509);
    SSL_CTX_use_PrivateKey(context_, pkey);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    BIO_free(certificate);
    BIO_free(key);
  }
  SSL* accept(RawConnection& connection) {
    SSL* ssl = SSL_new(context_);
    SSL_set_fd(ssl, connection.socket());
    SSL_accept(ssl);
    return ssl;
  }
  static bool read_all(SSL* ssl, void* to, std::size_t size) {
    auto* at = static_cast<char*>(to);
    while (size > 0) {
      const int count = SSL_read(ssl, at, static_cast<int>(size));
      if (count <= 0) return false;
      at += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }
  static void write(SSL* ssl, const std::string& bytes) {
    SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()));
  }
  static int select_http2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned int,
                          void*) {
    static const unsigned char kHttp2[] = {'h', '2'};
    *out = kHttp2;
    *size = sizeof kHttp2;
    return SSL_TLSEXT_ERR_OK;
  }

  SSL_CTX* context_;
  mutable std::mutex mutex_;  // guards what is below
  std::string server_name_;
  std::string request_;
};

}  // namespace shim::http::testing
