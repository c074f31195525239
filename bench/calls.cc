#include "calls.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace bench {
namespace {

constexpr std::size_t kListedImages = 100;
constexpr std::size_t kStreamBytes = std::size_t{64} << 20;
constexpr std::size_t kStreamMessageBytes = std::size_t{32} << 10;
constexpr std::size_t kDistinctStreamMessages = 32;

// Protobuf's wire format, as far as CRI's image messages need it.
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out += static_cast<char>(value);
}

std::string number_field(std::uint32_t field, std::uint64_t value) {
  return varint(field << 3) + varint(value);
}

std::string bytes_field(std::uint32_t field, std::string_view value) {
  return varint((field << 3) | 2).append(varint(value.size())).append(value);
}

// gRPC's length-prefixed message, not compressed.
std::string grpc_message(std::string_view message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
  return out.append(message);
}

// 64 hex digits that differ for each seed and do not repeat within.
std::string sha256_like(std::uint64_t seed) {
  std::string out;
  while (out.size() < 64) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    out += "0123456789abcdef"[seed >> 60];
  }
  return out;
}

std::string image_spec(std::string_view name) {
  return bytes_field(1, name);
}

// runtime.v1.Image, with the fields that containerd fills.
std::string image(std::string_view repository, std::string_view tag, std::uint64_t seed) {
  std::string out = bytes_field(1, "sha256:" + sha256_like(seed));
  out += bytes_field(2, std::string(repository).append(":").append(tag));
  out += bytes_field(3, std::string(repository).append("@sha256:").append(sha256_like(seed + 1'000'000)));
  out += number_field(4, 18'000'000 + seed * 7919);
  out += bytes_field(6, "nonroot");
  out += bytes_field(7, image_spec(""));
  return out;
}

// runtime.v1.ImageStatusRequest as kubelet 1.33 sends it: the pod's annotations are in the ImageSpec.
std::string image_status_request() {
  const auto annotation = [](std::string_view key, std::string_view value) {
    return bytes_field(2, bytes_field(1, key) + bytes_field(2, value));
  };
  std::string spec = image_spec(kAskedImage);
  spec += annotation("kubernetes.io/config.seen", "2025-06-01T12:00:00.000000000Z");
  spec += annotation("kubernetes.io/config.source", "api");
  spec += annotation("prometheus.io/port", "9153");
  spec += annotation("prometheus.io/scrape", "true");
  spec += bytes_field(18, kAskedImage);
  return bytes_field(1, spec);
}

std::string image_status_answer() {
  return bytes_field(1, image("registry.k8s.io/coredns/coredns", "v1.11.3", 1));
}

std::string list_images_answer() {
  constexpr std::array<std::string_view, 5> kRepositories = {
      "docker.io/library/nginx", "quay.io/prometheus/node-exporter", "registry.k8s.io/coredns/coredns",
      "ghcr.io/fluxcd/source-controller", "registry.example.com:5000/platform/payments/checkout-api"};
  std::string out;
  for (std::size_t n = 0; n < kListedImages; ++n) {
    const std::string tag = "v1." + std::to_string(n / kRepositories.size()) + ".0";
    out += bytes_field(1, image(kRepositories[n % kRepositories.size()], tag, n));
  }
  return out;
}

std::string image_fs_info_answer() {
  const std::string fs_id = bytes_field(1, "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs");
  const std::string usage = number_field(1, 1'748'779'200'000'000'000) + bytes_field(2, fs_id) +
                            bytes_field(3, number_field(1, 5'368'709'120)) + bytes_field(4, number_field(1, 142'857));
  return bytes_field(1, usage);
}

std::string version_answer() {
  return bytes_field(1, "0.1.0") + bytes_field(2, "runtime-stub") + bytes_field(3, "1.7.0") + bytes_field(4, "v1");
}

std::string stream_messages() {
  std::string out;
  for (std::size_t n = 0; n < kDistinctStreamMessages; ++n) {
    std::string message = bytes_field(1, std::string(kStreamMessageBytes - 4, static_cast<char>('A' + n)));
    out += grpc_message(message);
  }
  return out;
}

Body unary(std::string_view message) {
  std::string body = grpc_message(message);
  const std::size_t total = body.size();
  return {std::move(body), total};
}

Body stream() {
  std::string messages = stream_messages();
  const std::size_t total = messages.size() * (kStreamBytes / kStreamMessageBytes / kDistinctStreamMessages);
  return {std::move(messages), total};
}

}  // namespace

std::string_view Body::at(std::size_t offset) const {
  return std::string_view(pattern).substr(offset % pattern.size()).substr(0, total - offset);
}

std::span<const Call> calls() {
  static const std::array<Call, 5> all = {{
      {"image-status", "/runtime.v1.ImageService/ImageStatus", grpc_message(image_status_request()),
       unary(image_status_answer())},
      {"list-images", "/runtime.v1.ImageService/ListImages", grpc_message(""), unary(list_images_answer())},
      {"stream", "/runtime.v1.RuntimeService/GetContainerEvents", grpc_message(""), stream()},
      {"version", "/runtime.v1.RuntimeService/Version", grpc_message(""), unary(version_answer())},
      {"image-fs-info", "/runtime.v1.ImageService/ImageFsInfo", grpc_message(""), unary(image_fs_info_answer())},
  }};
  return all;
}

const Call* call_named(std::string_view name) {
  const auto found = std::ranges::find(calls(), name, &Call::name);
  return found == calls().end() ? nullptr : &*found;
}

const Call* call_at(std::string_view path) {
  const auto found = std::ranges::find(calls(), path, &Call::path);
  return found == calls().end() ? nullptr : &*found;
}

void burn_cpu(std::chrono::microseconds time) {
  if (time.count() == 0) return;
  // The thread's own clock: time in which it is not running does not count.
  const auto used = [] {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  const auto end = used() + time;
  while (used() < end) {
  }
}

}  // namespace bench
