// What became of a pull through the shim, for people and programs. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "http2/grpc.h"

namespace shim::commands {

// Where an image came from.
struct PullSource {
  std::string registry;  // as configured, or the image's own host
  std::string name;      // that was pulled
  std::string why;
  bool is_certain = true;  // else: what was to be expected before the pull
};

struct PullReport {
  std::string image;
  std::string pod_namespace{};  // empty: none
  bool was_present = false;     // before
  http2::Status status{};       // of PullImage
  std::chrono::milliseconds duration{0};
  std::string image_id{};   // as the runtime finds it afterwards; empty: it does not
  std::string reference{};  // that PullImage has answered with
  std::optional<PullSource> source{};

  bool is_done() const { return status.is_ok() && !image_id.empty(); }
};

std::string pull_text(const PullReport& report);
std::string pull_json(const PullReport& report);

// The source of the newest pull of this image for this namespace in what the shim says at `/status`; nothing where it
// says none. `text` is of any kind.
std::optional<PullSource> source_in_status(std::string_view text, std::string_view image,
                                           std::string_view pod_namespace);

}  // namespace shim::commands
