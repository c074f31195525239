#include "observe/page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <variant>

#include "observe/html.h"
#include "observe/status_words.h"

namespace shim::observe {
namespace {

using std::chrono::seconds;

// Everything that becomes a part of the page goes through escaped(), or is one of these.
std::string paragraph(std::string_view css_class, std::string_view text) {
  return fmt::format("<p class=\"{}\">{}</p>\n", css_class, escaped(text));
}

std::string badge(std::string_view css_class, std::string_view text) {
  return fmt::format("<span class=\"state {}\">{}</span>", css_class, escaped(text));
}

std::string small(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("<small>{}</small>", escaped(text));
}

std::string moment(Status::Time time, std::string_view text) {
  return fmt::format("<time datetime=\"{:%FT%TZ}\">{}</time>", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                     escaped(text));
}

// `words` in backticks become code. REQUIRES: no word of `text` comes from outside.
std::string with_code(std::string_view text) {
  std::string html;
  bool is_code = false;
  for (std::size_t end = text.find('`'); end != text.npos; end = text.find('`')) {
    html += escaped(text.substr(0, end)) + (is_code ? "</code>" : "<code>");
    is_code = !is_code;
    text.remove_prefix(end + 1);
  }
  return html + escaped(text);
}

std::string item(std::string_view name, std::string_view html) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), html);
}

// Roles are said as well: on a narrow screen the style makes blocks of what were rows.
std::string cell(std::string_view css_class, std::string_view name, std::string_view html) {
  return fmt::format("<td role=\"cell\" class=\"{}\" data-name=\"{}\">{}</td>", html.empty() ? "nothing" : css_class,
                     escaped(name), html);
}

std::string row_head(std::string_view css_class, std::string_view html) {
  return fmt::format("<th role=\"rowheader\" scope=\"row\" class=\"{}\">{}</th>", css_class, html);
}

struct Column {
  std::string_view name;
  bool is_number = false;
};

template <std::size_t size>
std::string table(std::string_view caption, const std::array<Column, size>& columns, std::string_view rows) {
  std::string head;
  for (const Column& column : columns) {
    head += fmt::format("<th role=\"columnheader\" scope=\"col\"{}>{}</th>",
                        column.is_number ? " class=\"number\"" : "", escaped(column.name));
  }
  return fmt::format(
      "<table role=\"table\"><caption>{}</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">{}</tr></thead>\n"
      "<tbody role=\"rowgroup\">\n{}</tbody></table>\n",
      escaped(caption), head, rows);
}

std::string section(std::string_view title, std::string_view html) {
  return fmt::format("<section><h2>{}</h2>\n{}</section>\n", escaped(title), html);
}

// ── What it shows ────────────────────────────────────────────────────────────────────────────────────────────────────

std::string_view css_class_of(const std::vector<Concern>& concerns) {
  if (concerns.empty()) return "good";
  return concerns.front().kind == Concern::Kind::failed ? "bad" : "warn";
}

std::string header(const Status& status, const std::vector<Concern>& concerns) {
  const Status::Shim& shim = status.shim;
  return fmt::format("<header><h1>image-cri-shim</h1>{}<p>on {}, version {}, process {}, up {}</p></header>\n",
                     badge(css_class_of(concerns), conclusion(concerns)), escaped(shim.node), escaped(shim.version),
                     shim.pid, short_duration(shim.uptime));
}

std::string concern_list(const std::vector<Concern>& concerns) {
  if (concerns.empty()) return {};
  std::string text = "<ul class=\"concerns\">\n";
  for (const Concern& concern : concerns) {
    const bool has_failed = concern.kind == Concern::Kind::failed;
    text += fmt::format("<li class=\"{}\"><p><strong>{}:</strong> {}</p><p>{}</p></li>\n", has_failed ? "bad" : "warn",
                        has_failed ? "Failed" : "Attention", escaped(concern.what), with_code(concern.advice));
  }
  return text + "</ul>\n";
}

std::string node_section(const Status& status) {
  const bool is_reachable = status.runtime.problem.empty();
  std::string text = "<dl>\n";
  text += item("Container runtime",
               fmt::format("{} {}", badge(is_reachable ? "good" : "bad", is_reachable ? "answers" : "does not answer"),
                           is_reachable ? escaped(runtime_text(status.runtime)) : "") +
                   small(status.runtime.socket));
  text += item("Kubelet's socket",
               badge(status.shim.is_serving ? "good" : "warn", status.shim.is_serving ? "served" : "not served") +
                   small(status.shim.socket));
  text += item("Known answers of registries", escaped(cache_text(status.cache)));
  text += item("Pulled from the images' own registries", escaped(original_text(status.original)));
  text += item("Names restored for Kubernetes", std::to_string(status.names_remembered));
  return section("This node", text + "</dl>\n");
}

std::string_view css_class_of(Status::Registry::State state) {
  switch (state) {
    case Status::Registry::State::well:
      return "good";
    case Status::Registry::State::failing:
      return "warn";
    case Status::Registry::State::left_out:
      return "bad";
    case Status::Registry::State::not_asked:
      break;
  }
  return "quiet";
}

// What is wrong with it, or was.
std::string remark_on(const Status::Registry& registry, Status::Time now) {
  if (!registry.reason.empty()) return reason_text(registry);
  return registry.last_failure.empty() ? std::string() : "last error: " + last_failure_text(registry, now);
}

std::string registry_row(const Status::Registry& registry, Status::Time now) {
  std::string text = "<tr role=\"row\">";
  text += row_head("name", escaped(registry.address) + small(registry.is_offline ? "the offline registry" : ""));
  text += cell("", "State",
               badge(css_class_of(registry.state), state_text(registry.state)) + small(remark_on(registry, now)));
  text += cell("number", "Priority", std::to_string(registry.priority));
  text += cell("number", "Last probe", registry.latency ? escaped(latency_text(*registry.latency)) : std::string());
  text += cell("number", "Pulled", std::to_string(registry.pulls_succeeded));
  text += cell("number", "Failed", std::to_string(registry.pulls_failed));
  return text + "</tr>\n";
}

std::string registry_section(const Status& status) {
  constexpr std::array<Column, 6> kColumns = {
      {{"Registry"}, {"State"}, {"Priority", true}, {"Last probe", true}, {"Pulled", true}, {"Failed", true}}};
  if (status.registries.empty()) {
    return section("Registries", paragraph("none",
                                           "None is configured: every image is pulled as it is named. Add "
                                           "`address` or `registries` to the configuration."));
  }
  std::string rows;
  for (const Status::Registry& registry : status.registries) rows += registry_row(registry, status.time);
  return section("Registries",
                 table("In the order in which they are asked, where they match an image", kColumns, rows));
}

std::string decision_row(const cri::Decision& decision, Status::Time now) {
  std::string text = "<tr role=\"row\">";
  text += row_head("name", escaped(decision.image) +
                               small(decision.pod_namespace.empty() ? "" : "namespace " + decision.pod_namespace));
  const std::string source =
      decision.is_pulled ? "←\u00a0" + escaped(decision.source) + small(decision.name) : badge("bad", "not pulled");
  text += cell("name", "From", source);
  text += cell("", "Because", escaped(decision.why));
  text += cell("number", "Attempts", std::to_string(decision.attempts));
  text += cell("number", "Took", escaped(short_duration(decision.duration)));
  text += cell("time", "When", moment(decision.time, age(decision.time, now)));
  return text + "</tr>\n";
}

std::string decision_section(const Status& status) {
  constexpr std::array<Column, 6> kColumns = {
      {{"Image"}, {"From"}, {"Because"}, {"Attempts", true}, {"Took", true}, {"When"}}};
  if (status.decisions.empty()) {
    return section("Last pulls", paragraph("none", "None yet that a registry was looked for."));
  }
  std::string rows;
  for (const cri::Decision& decision : status.decisions) rows += decision_row(decision, status.time);
  return section("Last pulls", table("The newest first, as their images were named", kColumns, rows));
}

std::string value_text(const config::Setting& setting) {
  if (const auto* text = std::get_if<std::string>(&setting.value)) return *text;
  return fmt::format("{}", fmt::join(std::get<std::vector<std::string>>(setting.value), ", "));
}

std::string setting_table(std::string_view caption, const ConfigReport& report, bool are_defaults) {
  constexpr std::array<Column, 3> kColumns = {{{"Key"}, {"Value"}, {"From"}}};
  std::string rows;
  for (const config::Setting& setting : report.settings) {
    if ((setting.origin.kind == config::Origin::Kind::built_in) != are_defaults) continue;
    rows += "<tr role=\"row\">" + row_head("name", "<code>" + escaped(setting.path) + "</code>") +
            cell("", "Value", "<code>" + escaped(value_text(setting)) + "</code>") +
            cell("quiet", "From", escaped(origin_text(report, setting.origin))) + "</tr>\n";
  }
  return rows.empty() ? std::string() : table(caption, kColumns, rows);
}

std::string configuration_section(const Status& status, const ConfigReport& report) {
  const Status::Configuration& configuration = status.configuration;
  std::string text = "<dl>\n";
  text += item("File", escaped(configuration.file) + small("read " + age(configuration.used_since, status.time)));
  text += item("ConfigMap", escaped(config_map_text(configuration.config_map, status.time)) +
                                small(configuration.config_map.server));
  text += "</dl>\n";
  for (const std::string& difference : report.differences) text += paragraph("none", difference);
  text += setting_table("What is set. Secrets are not shown", report, false);
  const std::string defaults = setting_table("What nothing sets", report, true);
  if (!defaults.empty()) text += "<details><summary>Defaults</summary>\n" + defaults + "</details>\n";
  return section("Configuration", text);
}

std::string footer(const Status& status, std::optional<seconds> refresh) {
  const std::string rhythm =
      refresh ? fmt::format("It is made anew every {}s. <a href=\"/?pause\">Keep it as it is</a>", refresh->count())
              : std::string("It is kept as it is. <a href=\"/\">Refresh it</a>");
  return fmt::format(
      "<footer><p>As of {:%F %T} UTC. {}.</p><p>On the node: <code>image-cri-shim status</code>, <code>image-cri-shim "
      "check</code>, <code>image-cri-shim resolve IMAGE</code>.</p></footer>\n",
      fmt::gmtime(std::chrono::system_clock::to_time_t(status.time)), rhythm);
}

}  // namespace

std::string page(const Status& status, const ConfigReport& configuration, std::optional<seconds> refresh) {
  const std::vector<Concern> concerns = concerns_of(status);
  std::string text = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  text += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  if (refresh) text += fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">\n", refresh->count());
  text += fmt::format("<title>{}: {} – image-cri-shim</title>\n", escaped(status.shim.node), conclusion(concerns));
  text += fmt::format("<style>{}</style>\n</head>\n<body>\n", page_style);
  text += header(status, concerns) + "<main>\n" + concern_list(concerns) + node_section(status) +
          registry_section(status) + decision_section(status) + configuration_section(status, configuration) +
          "</main>\n" + footer(status, refresh);
  return text + "</body>\n</html>\n";
}

}  // namespace shim::observe
