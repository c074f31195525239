// What a line of the log costs whoever logs it; a thread of the log's own does the writing.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <string>

#include "base/log.h"

namespace shim {
namespace {

void configure(LogFormat format) {
  static const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  configure_log({.format = format, .fd = nowhere});
}

const std::string kImage = "registry.k8s.io/coredns/coredns:v1.11.3";

void write_line(benchmark::State& state, LogFormat format) {
  configure(format);
  for (auto _ : state) spdlog::info("pull of {} is forwarded", kImage);
}
BENCHMARK_CAPTURE(write_line, text, LogFormat::text);
BENCHMARK_CAPTURE(write_line, json, LogFormat::json);

void write_line_of_debug_that_is_not_shown(benchmark::State& state) {
  configure(LogFormat::text);
  for (auto _ : state) spdlog::debug("pull of {} is forwarded", kImage);
}
BENCHMARK(write_line_of_debug_that_is_not_shown);

void write_line_with_fields(benchmark::State& state, LogFormat format) {
  configure(format);
  for (auto _ : state) {
    LogFields fields;
    fields.text("event", "pull").text("outcome", "pulled").text("image", kImage).text("namespace", "kube-system");
    fields.text("registry", "https://mirror.example.com").number("priority", 600).text("result", kImage);
    fields.number("attempts", 1).seconds("duration_seconds", std::chrono::seconds(1)).null("bytes");
    log_event(spdlog::level::info, "priority match: image=" + kImage, " duration=1s attempts=1", fields);
  }
}
BENCHMARK_CAPTURE(write_line_with_fields, text, LogFormat::text);
BENCHMARK_CAPTURE(write_line_with_fields, json, LogFormat::json);

// Among as many others as are watched.
void count_a_repeat(benchmark::State& state) {
  configure(LogFormat::json);
  for (int i = 0; i < 63; ++i) spdlog::warn("registry {} is left out: no answer within 2s", i);
  for (auto _ : state) spdlog::warn("registry https://mirror.example.com is left out: no answer within 2s");
}
BENCHMARK(count_a_repeat);

}  // namespace
}  // namespace shim
