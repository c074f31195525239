#include "credentials/image_match.h"

#include <gtest/gtest.h>

namespace shim::credentials {
namespace {

TEST(ImageMatch, IsTheKubelets) {
  struct {
    const char* pattern;
    const char* image;
    bool matches;
  } const cases[] = {
      // the examples of the kubelet's documentation
      {"123456789.dkr.ecr.us-east-1.amazonaws.com", "123456789.dkr.ecr.us-east-1.amazonaws.com/app", true},
      {"*.azurecr.io", "mine.azurecr.io/team/app", true},
      {"gcr.io", "gcr.io/project/app", true},
      {"*.*.registry.io", "a.b.registry.io/app", true},
      {"registry.io:8080/path", "registry.io:8080/path/app", true},
      {"*.k8s.io", "registry.k8s.io/pause", true},
      {"k8s.*.io", "k8s.gcr.io/pause", true},
      {"k8s.*", "k8s.io/pause", true},
      {"app*.k8s.io", "app5.k8s.io/pause", true},
      {"*.io", "a.k8s.io/pause", false},
      // one label each
      {"*.azurecr.io", "azurecr.io/app", false},
      {"*", "docker.io/library/nginx", false},
      {"*", "localhost/app", true},
      {"*.*", "docker.io/library/nginx", true},
      {"gcr.io", "eu.gcr.io/app", false},
      {"eu.gcr.io", "gcr.io/app", false},
      {"app*.k8s.io", "web.k8s.io/pause", false},
      // a port counts on both sides
      {"registry.io", "registry.io:8080/app", false},
      {"registry.io:8080", "registry.io/app", false},
      {"registry.io:8080", "registry.io:80/app", false},
      {"registry.io:*", "registry.io:80/app", false},
      {"*.hub:5000", "sealos.hub:5000/library/nginx", true},
      // a path is a prefix, letter by letter, and has no globs
      {"registry.io/team", "registry.io/team", true},
      {"registry.io/team", "registry.io/teams/app", true},
      {"registry.io/team/", "registry.io/teams/app", false},
      {"registry.io/other", "registry.io/team/app", false},
      {"registry.io/*", "registry.io/team", false},
      // filepath.Match
      {"a?.io", "ab.io/x", true},
      {"a?.io", "a.io/x", false},
      {"a[0-9].io", "a7.io/x", true},
      {"a[^0-9].io", "a7.io/x", false},
      {"a[.io", "a[.io/x", false},
      {"a\\*.io", "a*.io/x", true},
      {"*a*b*.io", "xxaxxbxx.io/x", true},
      {"*a*b*.io", "xxbxxaxx.io/x", false},
      // malformed ones match nothing
      {"", "registry.io/app", false},
      {"/app", "registry.io/app", false},
      {"https://registry.io", "registry.io/app", false},
      {"registry.io:x", "registry.io:x/app", false},
  };
  for (const auto& [pattern, image, matches] : cases) {
    EXPECT_EQ(matches_image(pattern, image), matches) << pattern << " " << image;
  }
}

TEST(ImageMatch, TakesLinearTimeForHostileGlobs) {
  const std::string label(60, 'a');
  EXPECT_FALSE(matches_label("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", label));
}

}  // namespace
}  // namespace shim::credentials
