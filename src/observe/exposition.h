// Prometheus' text format, family by family: only one of them is ever in memory as objects.
#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/duration_histogram.h"

namespace shim::observe {

using Label = prometheus::ClientMetric::Label;
using Labels = std::vector<Label>;

// One family, for as long as values are added to it; then its text is in the exposition.
class Exposition {
 public:
  class Family {
   public:
    Family(Exposition& exposition, prometheus::MetricType type, std::string name, std::string help);
    Family(const Family&) = delete;
    Family& operator=(const Family&) = delete;
    ~Family();

    // Of a counter or a gauge.
    void add(double value, Labels labels = {});
    // Of a histogram, in seconds.
    void add(const DurationHistogram& histogram, Labels labels = {});

   private:
    Exposition& exposition_;
    prometheus::MetricFamily family_;
  };

  // `name` is without the shim's own prefix, `image_cri_shim_`, …
  Family counter(std::string_view name, std::string_view help);
  Family gauge(std::string_view name, std::string_view help);
  Family histogram(std::string_view name, std::string_view help);
  // … and here it is whole: those of every process have none.
  Family process_counter(std::string_view name, std::string_view help);
  Family process_gauge(std::string_view name, std::string_view help);

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

double seconds(std::chrono::nanoseconds duration);
// Since 1970; 0: never.
double unix_seconds(std::chrono::system_clock::time_point time);

}  // namespace shim::observe
