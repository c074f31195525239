// What operators are told while the configuration changes (DESIGN 6): the documented lines, and each problem once, not
// at every look at the file; again when it has changed or come back.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnostic.h"
#include "config/overlay.h"
#include "kubernetes/config_map_watch.h"

namespace shim::commands {

// One line for each, at its severity.
void log_diagnostics(const std::vector<config::Diagnostic>& diagnostics);

class ConfigurationLog {
 public:
  explicit ConfigurationLog(std::string file) : file_(std::move(file)) {}

  // The lines that every configuration has when it comes into use, but for the first one.
  void comes_into_use(const config::Config& config) const;
  void nothing_has_changed() const;

  void file_is_bad(const std::string& errors);
  void file_is_good(const std::vector<config::Diagnostic>& warnings);
  // Of what was told already at the start; empty: it is good.
  void was_told(const std::string& errors, std::vector<config::Diagnostic> warnings);
  // What is wrong with the file is told again, as somebody has asked.
  void tell_again();

  // Empty: none does.
  void need_restart(const std::vector<std::string_view>& keys);
  void is_not_watched(const std::string& why);
  // Empty: it is kept.
  void copy_is_not_kept(const std::string& why);

  void overlay_has_effect(const config::Overlay& overlay, const std::vector<config::Diagnostic>& warnings);
  void overlay_is_refused(const std::string& origin, const std::vector<config::Diagnostic>& diagnostics) const;
  void overlay_is_in_file(bool was_written, bool is_new);
  // Why it has effect in memory only.
  void overlay_is_not_in_file(const std::string& why);

  void config_map_is_absent(const config::ConfigMap& config_map, bool was_seen) const;
  void config_map_lacks_key(const config::ConfigMap& config_map) const;
  void config_map_is_unknown(const config::ConfigMap& config_map, const kubernetes::Unknown& unknown) const;

 private:
  enum class Topic { file, restart, watch, copy, sync };

  // Whether there is a problem, and another one than was told last.
  bool is_news(Topic topic, const std::string& text);

  const std::string file_;
  std::map<Topic, std::string> told_;                 // the problems there are
  std::vector<config::Diagnostic> warnings_;          // about the file
  std::vector<config::Diagnostic> overlay_warnings_;  // about the overlay, which a look at both finds as well
};

}  // namespace shim::commands
