#include "runtimes/other_advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtimes/testing.h"

namespace shim::runtimes {
namespace {

using testing::Folder;
using ::testing::HasSubstr;
using testing::registry;
using Kind = Advice::Kind;

CriOPlaces cri_o_in(const Folder& folder) {
  return {folder.path("registries.conf"), folder.path("registries.conf.d"), folder.path("certs.d")};
}
DockerPlaces docker_in(const Folder& folder) {
  return {folder.path("daemon.json"), folder.path("certs.d")};
}

TEST(CriOAdvice, PlainHttpHasToBeInsecureInRegistriesConf) {
  const Folder folder;
  const Advice advice = advise_cri_o(registry("http://127.0.0.1:5000"), cri_o_in(folder));
  EXPECT_EQ(advice.kind, Kind::unsure);
  EXPECT_EQ(advice.hint, "write " + folder.path("registries.conf.d") +
                             "/50-127.0.0.1:5000.conf:\n"
                             "  [[registry]]\n"
                             "  location = \"127.0.0.1:5000\"\n"
                             "  insecure = true\n"
                             "then: systemctl reload crio");
}

TEST(CriOAdvice, IsSilentOnceAFileSaysSo) {
  const Folder folder;
  folder.write("registries.conf", "[[registry]]\nprefix = 'h:5000'\ninsecure = true\n");
  folder.write("registries.conf.d/x.conf", "[[registry]]\nlocation = 'g:5000'\ninsecure = true\n");
  EXPECT_EQ(advise_cri_o(registry("http://h:5000"), cri_o_in(folder)).kind, Kind::works);
  EXPECT_EQ(advise_cri_o(registry("http://g:5000"), cri_o_in(folder)).kind, Kind::works);
  EXPECT_EQ(advise_cri_o(registry("http://f:5000"), cri_o_in(folder)).kind, Kind::unsure);
}

TEST(CriOAdvice, PrivateAuthorityHasToBeInCertsD) {
  const Folder folder;
  const Registry harbor = registry("https://harbor.local", {.ca = "/etc/ssl/harbor.pem"});
  EXPECT_THAT(advise_cri_o(harbor, cri_o_in(folder)).hint,
              HasSubstr("install -D -m 644 /etc/ssl/harbor.pem " + folder.path("certs.d/harbor.local/ca.crt")));
  folder.write("certs.d/harbor.local/any.crt", "x");
  EXPECT_EQ(advise_cri_o(harbor, cri_o_in(folder)).kind, Kind::works);
}

TEST(DockerAdvice, PlainHttpBeyondLoopbackHasToBeInsecure) {
  const Folder folder;
  const Registry plain = registry("http://h:5000");
  EXPECT_THAT(advise_docker(plain, docker_in(folder)).hint, HasSubstr(R"({"insecure-registries": ["h:5000"]})"));
  EXPECT_EQ(advise_docker(registry("http://127.0.0.1:5000"), docker_in(folder)).kind, Kind::works);
  folder.write("daemon.json", R"({"insecure-registries": ["g:5000", "h:5000"]})");
  EXPECT_EQ(advise_docker(plain, docker_in(folder)).kind, Kind::works);
}

TEST(DockerAdvice, IsTheSameWhereTheFileIsNotWhatItShouldBe) {
  const Folder folder;
  for (const char* text : {"", "[]", "{", R"({"insecure-registries": "h:5000"})", R"({"insecure-registries": [5]})"}) {
    folder.write("daemon.json", text);
    EXPECT_EQ(advise_docker(registry("http://h:5000"), docker_in(folder)).kind, Kind::unsure) << text;
  }
}

TEST(DockerAdvice, ClientCertificateHasToBeInCertsD) {
  const Folder folder;
  const Registry harbor = registry("https://harbor.local", {.cert = "/c.pem", .key = "/k.pem"});
  const Advice advice = advise_docker(harbor, docker_in(folder));
  EXPECT_THAT(advice.hint, HasSubstr("/k.pem " + folder.path("certs.d/harbor.local/client.key")));
}

}  // namespace
}  // namespace shim::runtimes
