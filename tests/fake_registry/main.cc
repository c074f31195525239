// The fake registry as a program, for tests in other languages: prints `listening 127.0.0.1:PORT`, serves until
// SIGTERM. See control.h for what can be told to it while it runs.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fake_registry/fake_registry.h"

int main(int argc, char** argv) {
  shim::test::FakeRegistryOptions options;
  std::vector<std::string> users;
  std::vector<std::string> tls_names;
  std::string ca_file;
  long token_lifetime = options.token_lifetime.count();
  CLI::App app{"A fake registry for tests"};
  app.add_option("--listen", options.listen, "ADDRESS:PORT; port 0 takes a free one")->capture_default_str();
  app.add_option("--users", users, "USER:PASSWORD, several times; none: everybody may read");
  app.add_flag("--bearer", options.wants_bearer, "ask for tokens instead of Basic");
  app.add_option("--realm", options.realm, "token endpoint to name; default: its own /token");
  app.add_option("--identity-token", options.identity_token, "refresh token that the token endpoint accepts");
  app.add_option("--token-lifetime", token_lifetime, "seconds; 0: not said")->capture_default_str();
  app.add_option("--tls", tls_names, "serve TLS with a certificate for these names")->delimiter(',');
  app.add_option("--ca-file", ca_file, "where to write the CA's certificate");
  CLI11_PARSE(app, argc, argv);

  for (const std::string& user : users) {
    const auto colon = user.find(':');
    options.users[user.substr(0, colon)] = colon == std::string::npos ? "" : user.substr(colon + 1);
  }
  options.token_lifetime = std::chrono::seconds(token_lifetime);
  std::optional<shim::test::TestCa> ca;
  if (!tls_names.empty()) {
    ca.emplace();
    options.tls = ca->issue(tls_names);
    if (!ca_file.empty())
      std::filesystem::copy_file(ca->file(), ca_file, std::filesystem::copy_options::overwrite_existing);
  }

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);  // before the registry's thread starts and inherits it
  const shim::test::FakeRegistry registry(options);
  std::printf("listening %s\n", registry.host().c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  return 0;
}
