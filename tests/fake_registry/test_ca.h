// A certificate authority made for one test: servers get certificates from it, clients are told to trust it, or not.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace shim::test {

struct Certificate {
  std::string certificate_pem;
  std::string key_pem;
};

enum class Validity { current, expired };

// Keeps its own certificate in a temporary file, removed with it. Failures of OpenSSL throw.
class TestCa {
 public:
  TestCa();
  TestCa(TestCa&&) = delete;
  ~TestCa();

  // PEM file with the CA's certificate.
  const std::string& file() const { return file_; }
  // For the given DNS names and IP addresses.
  Certificate issue(const std::vector<std::string>& names, Validity validity = Validity::current) const;

 private:
  struct Identity;
  std::unique_ptr<Identity> identity_;
  std::string file_;
};

}  // namespace shim::test
