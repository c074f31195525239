#include "kubernetes/json_scalars.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace shim::kubernetes {
namespace {

// The scalars at the paths, or the error: `a|7|-|other`.
std::string read(std::string_view text, const std::vector<JsonPath>& paths) {
  const auto found = read_scalars(text, paths);
  if (!found) return "error: " + found.error().message;
  std::string shown;
  for (const auto& scalar : *found) {
    if (!shown.empty()) shown += "|";
    shown += !scalar ? "-" : scalar->kind == JsonScalar::Kind::other ? "other" : scalar->text;
  }
  return shown;
}

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(JsonScalars, AreFoundByTheirPath) {
  const char* text = R"({"a":"x","b":{"a":"y","c":{"a":-7}},"d":[{"a":"z"},["b"]],"e":null})";
  EXPECT_EQ(read(text, {{"a"}, {"b", "a"}, {"b", "c", "a"}, {"e"}, {"f"}}), "x|y|-7|-|-");
}

TEST(JsonScalars, OfArraysAreNotFound) {
  EXPECT_EQ(read(R"({"d":["x",{"a":"y"}],"a":"z"})", {{"d", "a"}, {"a"}}), "-|z");
}

TEST(JsonScalars, OfAnotherTypeAreSeen) {
  EXPECT_EQ(read(R"({"a":true,"b":1.5,"c":{},"d":[]})", {{"a"}, {"b"}, {"c"}, {"d"}}), "other|other|other|other");
}

TEST(JsonScalars, AreUnescaped) {
  EXPECT_EQ(read(R"({"a":"\u00e4\n\"\\"})", {{"a"}}), "ä\n\"\\");
}

TEST(JsonScalars, OfTextThatIsNoJsonAreAnError) {
  for (const char* text :
       {"", "<html>", "{", R"({"a":1)", R"({"a":1} {"a":2})", "{\"a\":\"\xff\"}", R"({"a":1e999})"}) {
    EXPECT_TRUE(read(text, {{"a"}}).starts_with("error: no JSON (at byte ")) << text;
  }
}

TEST(JsonScalars, AreNotSoughtInTheDeep) {
  EXPECT_EQ(read(nested(kMaxJsonDepth), {{"a"}}), "-");
  EXPECT_EQ(read(nested(kMaxJsonDepth + 1), {{"a"}}), "error: JSON of more than 64 levels");
  EXPECT_EQ(read(std::string(4'000'000, '['), {{"a"}}), "error: JSON of more than 64 levels");
}

}  // namespace
}  // namespace shim::kubernetes
