// Kubeconfigs, PEM and coroutines for the tests of what reads them.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "base/base64.h"

namespace shim::kubernetes::test {

inline std::string certificate(const std::string& body = "certificate") {
  return "-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n";
}
inline std::string private_key(const std::string& body = "SENTINEL-key") {
  return "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n";
}
inline std::string base64(const std::string& bytes) {
  std::string encoded;
  append_base64(bytes, encoded);
  return encoded;
}

// A kubeconfig of one context, `cluster` and `user` being flow blocks such as `{token: T}`.
inline std::string kubeconfig(const std::string& user,
                              const std::string& cluster = "{server: 'https://api.test:6443'}") {
  return "apiVersion: v1\nkind: Config\ncurrent-context: x\n"
         "contexts:\n- {name: x, context: {cluster: c, user: u}}\n"
         "clusters:\n- name: c\n  cluster: " +
         cluster + "\nusers:\n- name: u\n  user: " + user + "\n";
}

// What the coroutine gives.
template <class Result>
Result run(boost::asio::io_context& io, boost::asio::awaitable<Result> work) {
  std::optional<Result> result;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, Result given) {
    EXPECT_FALSE(error);
    result = std::move(given);
    io.stop();
  });
  io.restart();
  io.run();
  return std::move(*result);
}

}  // namespace shim::kubernetes::test
