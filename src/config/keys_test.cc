// Holds the table of keys against the parser, the structs' defaults and what takes effect when.
#include "config/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/units.h"
#include "config/overlay.h"
#include "config/overlay_testing.h"
#include "config/print.h"
#include "config/reload.h"
#include "config/testing.h"

namespace shim::config {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;
using namespace std::chrono_literals;

// A file in which `path` has this value, and what it cannot be without: `registries: [{address: a.b, tls: {ca: …}}]`.
std::string file_with(std::string path, const std::string& value) {
  std::string text = value;
  const bool is_of_an_entry = path.starts_with("registries[].");
  while (!path.empty()) {
    const std::size_t dot = path.rfind('.');
    std::string key = dot == std::string::npos ? path : path.substr(dot + 1);
    path = dot == std::string::npos ? "" : path.substr(0, dot);
    const bool is_list = key.ends_with("[]");
    if (is_list) key.resize(key.size() - 2);
    const bool is_entry = path == "registries[]" && key != "address";
    text = std::string("{") + (is_entry ? "address: harbor.local, " : "") + key + ": " +
           (is_list ? "[" + text + "]" : text) + "}";
  }
  // The offline registry's keys have no effect without it.
  return is_of_an_entry ? text : text.substr(1, text.size() - 2) + "\n";
}

// The same place in a diagnostic.
std::string first_entry(std::string path) {
  for (std::size_t at = path.find("[]"); at != std::string::npos; at = path.find("[]", at)) path.insert(at + 1, "0");
  return path;
}

std::set<std::string> table_paths() {
  std::set<std::string> paths;
  for (const Key& key : keys()) paths.emplace(key.path);
  return paths;
}

constexpr const char* kEverywhere = R"(
auth: {username: u, password: p}
offline: {match: ["*"]}
registries:
- address: harbor.local
  auth: {username: u, password: p}
  rewrite: [{from: a, to: b}]
)";

TEST(Key, is_in_the_table_where_the_parser_asks_for_it) {
  for (const std::string& path : paths_read(kEverywhere)) {
    const bool is_block = std::ranges::any_of(keys(), [&](const Key& key) {
      return key.path.starts_with(path + ".") || key.path == "registries[]." + path.substr(path.find('.') + 1) ||
             (path.ends_with("tls") && key.path.find(".tls.") != std::string_view::npos);
    });
    EXPECT_TRUE(find_key(path) != nullptr || is_block) << path;
  }
}

TEST(Key, is_asked_for_by_the_parser_where_it_is_in_the_table) {
  std::set<std::string> asked;
  for (const std::string& path : paths_read(kEverywhere)) {
    if (const Key* key = find_key(path)) asked.emplace(key->path);
  }
  EXPECT_THAT(asked, UnorderedElementsAreArray(table_paths()));
}

TEST(Key, has_a_path_of_its_own_and_a_text) {
  EXPECT_EQ(table_paths().size(), keys().size());
  for (const Key& key : keys()) EXPECT_TRUE(key.text.ends_with(".") && !key.kind.empty()) << key.path;
}

TEST(Key, is_found_by_the_path_of_a_diagnostic) {
  EXPECT_EQ(find_key("registries[17].tls.ca")->path, "registries[].tls.ca");
  EXPECT_EQ(find_key("registries[1].rewrite[2].from")->path, "registries[].rewrite[].from");
  EXPECT_EQ(find_key("offline.match")->path, "registries[].match");
  EXPECT_EQ(find_key("auth.username")->path, "registries[].auth.username");
  EXPECT_EQ(find_key("offlinePriority")->path, "offlinePriority");
  EXPECT_EQ(find_key("probe"), nullptr);
  EXPECT_EQ(find_key("registries["), nullptr);
}

TEST(Default, of_the_table_is_that_of_the_parser) {
  for (const Key& key : keys()) {
    if (key.default_value.empty()) continue;
    const std::string path(key.path);
    const bool is_of_an_entry = path.starts_with("registries[].");
    const bool is_of_offline = path == "offlinePriority";
    const std::string base =
        is_of_an_entry ? "registries: [{address: harbor.local}]\n" : (is_of_offline ? "address: sealos.hub\n" : "");
    const std::string written = (is_of_offline ? base : "") + file_with(path, std::string(key.default_value));
    const ParseResult with_it = testing::parse_text(written);
    const ParseResult without = testing::parse_text(base);
    ASSERT_TRUE(with_it.config && without.config) << written << testing::everything_said(with_it);
    EXPECT_EQ(print(*with_it.config), print(*without.config)) << written;
  }
}

TEST(Bounds, of_durations_are_kept) {
  for (const Key& key : keys()) {
    const auto* bounds = std::get_if<DurationBounds>(&key.bounds);
    if (!bounds) continue;
    const auto errors = [&](std::chrono::nanoseconds value) {
      return testing::errors_of(file_with(std::string(key.path), format_duration(value)));
    };
    EXPECT_THAT(errors(bounds->least), IsEmpty()) << key.path;
    EXPECT_THAT(errors(bounds->most), IsEmpty()) << key.path;
    EXPECT_EQ(errors(bounds->least - 1ns).size(), 1u) << key.path;
    EXPECT_EQ(errors(bounds->most + 1ns).size(), 1u) << key.path;
    EXPECT_EQ(errors(0ns).empty(), bounds->zero_is_allowed) << key.path;
  }
}

TEST(Bounds, of_numbers_are_kept) {
  for (const Key& key : keys()) {
    const auto* bounds = std::get_if<NumberBounds>(&key.bounds);
    if (!bounds) continue;
    const auto errors = [&](int value) {
      return testing::errors_of(file_with(std::string(key.path), std::to_string(value)));
    };
    EXPECT_THAT(errors(bounds->least), IsEmpty()) << key.path;
    EXPECT_THAT(errors(bounds->most), IsEmpty()) << key.path;
    EXPECT_EQ(errors(bounds->least - 1).size(), 1u) << key.path;
    EXPECT_EQ(errors(bounds->most + 1).size(), 1u) << key.path;
  }
}

TEST(Bounds, of_sizes_are_kept) {
  for (const Key& key : keys()) {
    const auto* bounds = std::get_if<SizeBounds>(&key.bounds);
    if (!bounds) continue;
    const auto errors = [&](std::uint64_t value) {
      return testing::errors_of(file_with(std::string(key.path), std::to_string(value)));
    };
    EXPECT_THAT(errors(bounds->least), IsEmpty()) << key.path;
    EXPECT_THAT(errors(bounds->most), IsEmpty()) << key.path;
    EXPECT_EQ(errors(bounds->least - 1).size(), 1u) << key.path;
    EXPECT_EQ(errors(bounds->most + 1).size(), 1u) << key.path;
  }
}

// Of another kind than the key's.
std::string wrong_value(const Key& key) {
  static const std::map<std::string_view, std::string> kWrong = {
      {"an address", "'http://'"},     {"user:password, \"\" or a block", "nobody"},
      {"a block of keys", "text"},     {"a list", "{a: b}"},
      {"a regular expression", "[a]"}, {"text", "[a]"},
  };
  const auto found = kWrong.find(key.kind);
  return found == kWrong.end() ? "'not this'" : found->second;
}

TEST(Kind, of_the_table_is_what_the_parser_expects) {
  for (const Key& key : keys()) {
    const std::string file = file_with(std::string(key.path), wrong_value(key));
    const std::vector<std::string> errors = testing::errors_of(file);
    const std::string place = first_entry(std::string(key.path)) + ": ";
    EXPECT_THAT(errors, Contains(HasSubstr(place))) << file;
    if (wrong_value(key) == "'not this'") {
      EXPECT_THAT(errors, Contains(HasSubstr(place + "expected " + std::string(key.kind)))) << file;
    }
  }
}

TEST(ConfigMapPath, of_the_table_is_read_there_like_the_files_key) {
  for (const Key& key : keys()) {
    if (key.in_config_map.empty()) continue;
    const std::string text = file_with(std::string(key.in_config_map), wrong_value(key));
    EXPECT_THAT(testing::parse_overlay(text).errors, Contains(HasSubstr(first_entry(std::string(key.in_config_map)))))
        << text;
  }
}

TEST(ConfigMapPath, is_missing_where_the_config_map_may_not_have_the_key) {
  for (const Key& key : keys()) {
    if (!key.in_config_map.empty() || key.path == "version") continue;  // there, the form's own version
    const testing::ParsedOverlay parsed = testing::parse_overlay(file_with(std::string(key.path), "/a"));
    EXPECT_TRUE(!parsed.errors.empty() || !parsed.warnings.empty()) << key.path;
  }
}

TEST(Effect, of_the_table_is_that_of_a_reload) {
  const Config before;
  Config after;
  after.shim = after.cri = after.image = after.admin = "/another";
  std::vector<std::string_view> in_table;
  for (const Key& key : keys()) {
    if (key.effect == Effect::restart) in_table.push_back(key.path);
  }
  EXPECT_THAT(in_table, UnorderedElementsAreArray(keys_for_restart(before, after)));
}

TEST(Example, of_the_table_is_a_file_without_a_fault) {
  for (const Key& key : keys()) {
    const ParseResult result = testing::parse_text(key.example);
    EXPECT_THAT(testing::lines_of(result, Severity::error), IsEmpty()) << key.path;
    EXPECT_THAT(testing::lines_of(result, Severity::warning), IsEmpty()) << key.path;
  }
}

TEST(Key, of_the_node_alone_is_none_of_the_config_map) {
  EXPECT_TRUE(is_of_the_node_alone("shim"));
  EXPECT_TRUE(is_of_the_node_alone("probe"));
  EXPECT_FALSE(is_of_the_node_alone("registries"));
  EXPECT_FALSE(is_of_the_node_alone("cache"));
  EXPECT_FALSE(is_of_the_node_alone("sealos"));
}

}  // namespace
}  // namespace shim::config
