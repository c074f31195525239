// The calls that the benchmark makes, and their answers: known to both ends, so that the load generator can compare
// every byte of what came through a proxy with what the runtime stub sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace bench {

// A body of `total` bytes in which byte `n` is `pattern[n % pattern.size()]`, so that 64 MiB needs no 64 MiB.
struct Body {
  std::string pattern;
  std::size_t total = 0;

  // The longest run of bytes at `offset` that lies in one piece; empty at the end.
  std::string_view at(std::size_t offset) const;
};

struct Call {
  std::string_view name;  // as on the command line
  std::string_view path;  // `:path`
  std::string request;    // one gRPC message with its 5-byte prefix
  Body answer;            // gRPC messages with their prefixes
};

// Every call, in the order of the table. Built at the first use.
std::span<const Call> calls();

// Null where there is none of that name, or path.
const Call* call_named(std::string_view name);
const Call* call_at(std::string_view path);

// The image that image-status asks for. The stub finds it only under this very name.
inline constexpr std::string_view kAskedImage = "registry.k8s.io/coredns/coredns:v1.11.3";

// Stands for the work of a real kubelet or runtime around its transport.
void burn_cpu(std::chrono::microseconds time);

}  // namespace bench
