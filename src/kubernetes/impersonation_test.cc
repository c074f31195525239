#include "kubernetes/impersonation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shim::kubernetes {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> lines(const Impersonation& impersonation) {
  std::vector<std::string> lines;
  const http::Headers headers = impersonation_headers(impersonation);
  for (const http::Header& field : headers.fields()) lines.push_back(field.name + ": " + field.value);
  return lines;
}

TEST(Impersonation, OfNobodyAddsNothing) {
  EXPECT_THAT(lines({}), IsEmpty());
}

TEST(Impersonation, HasAFieldForEachOfItsParts) {
  EXPECT_THAT(
      lines({.user = "jane", .uid = "7", .groups = {"dev", "ops"}, .extra = {{"scopes", {"view", "edit"}}}}),
      ElementsAre("Impersonate-User: jane", "Impersonate-Uid: 7", "Impersonate-Group: dev", "Impersonate-Group: ops",
                  "Impersonate-Extra-scopes: view", "Impersonate-Extra-scopes: edit"));
}

TEST(Impersonation, EscapesWhatNoFieldNameHolds) {
  EXPECT_THAT(lines({.user = "jane", .extra = {{"acme.com/project%: ", {"x"}}}}),
              ElementsAre("Impersonate-User: jane", "Impersonate-Extra-acme.com%2Fproject%25%3A%20: x"));
}

}  // namespace
}  // namespace shim::kubernetes
