#include "observe/exposition.h"

#include <prometheus/text_serializer.h>

namespace shim::observe {
namespace {

constexpr std::string_view kPrefix = "image_cri_shim_";

std::string own(std::string_view name) {
  return std::string(kPrefix) + std::string(name);
}

}  // namespace

Exposition::Family::Family(Exposition& exposition, prometheus::MetricType type, std::string name, std::string help)
    : exposition_(exposition) {
  family_.type = type;
  family_.name = std::move(name);
  family_.help = std::move(help);
}

Exposition::Family::~Family() {
  if (!family_.metric.empty()) exposition_.text_ += prometheus::TextSerializer().Serialize({std::move(family_)});
}

void Exposition::Family::add(double value, Labels labels) {
  prometheus::ClientMetric& metric = family_.metric.emplace_back();
  metric.label = std::move(labels);
  if (family_.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

void Exposition::Family::add(const DurationHistogram& histogram, Labels labels) {
  prometheus::ClientMetric& metric = family_.metric.emplace_back();
  metric.label = std::move(labels);
  std::uint64_t so_far = 0;
  for (std::size_t bucket = 0; bucket < histogram.bounds().size(); ++bucket) {
    so_far += histogram.in_bucket(bucket);
    metric.histogram.bucket.push_back({so_far, seconds(histogram.bounds()[bucket])});
  }
  metric.histogram.sample_count = histogram.total();
  metric.histogram.sample_sum = seconds(histogram.sum());
}

Exposition::Family Exposition::counter(std::string_view name, std::string_view help) {
  return {*this, prometheus::MetricType::Counter, own(name), std::string(help)};
}

Exposition::Family Exposition::gauge(std::string_view name, std::string_view help) {
  return {*this, prometheus::MetricType::Gauge, own(name), std::string(help)};
}

Exposition::Family Exposition::histogram(std::string_view name, std::string_view help) {
  return {*this, prometheus::MetricType::Histogram, own(name), std::string(help)};
}

Exposition::Family Exposition::process_counter(std::string_view name, std::string_view help) {
  return {*this, prometheus::MetricType::Counter, std::string(name), std::string(help)};
}

Exposition::Family Exposition::process_gauge(std::string_view name, std::string_view help) {
  return {*this, prometheus::MetricType::Gauge, std::string(name), std::string(help)};
}

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

double unix_seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace shim::observe
