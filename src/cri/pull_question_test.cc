#include "cri/pull_question.h"

#include <gtest/gtest.h>

#include "cri/image_calls.pb.h"

namespace shim::cri {
namespace {

wire::PullImageRequest parsed(const std::string& message) {
  wire::PullImageRequest request;
  EXPECT_TRUE(request.ParseFromString(message));
  return request;
}

TEST(PullQuestion, NamesImageAndNamespace) {
  const auto request = parsed(pull_image_question({"nginx:1.25", "team-a", "", {}}));
  EXPECT_EQ(request.image().image(), "nginx:1.25");
  EXPECT_EQ(request.sandbox_config().metadata().namespace_(), "team-a");
  EXPECT_FALSE(request.has_auth());
}

TEST(PullQuestion, HasNoSandboxWithoutANamespace) {
  EXPECT_FALSE(parsed(pull_image_question({"nginx", "", "", {}})).has_sandbox_config());
}

TEST(PullQuestion, HasCredentials) {
  const auto request = parsed(pull_image_question({"nginx", "", "robot", Secret("hush")}));
  EXPECT_EQ(request.auth().username(), "robot");
  EXPECT_EQ(request.auth().password(), "hush");
}

TEST(PullAnswer, NamesTheImage) {
  wire::PullImageResponse pulled;
  pulled.set_image_ref("sha256:1");
  EXPECT_EQ(pulled_reference(pulled.SerializeAsString()), "sha256:1");
  EXPECT_EQ(pulled_reference("\xff"), "");
}

TEST(StatusAnswer, HasAnIdWhereTheImageIsThere) {
  wire::ImageStatusResponse status;
  EXPECT_EQ(image_id_in_status(status.SerializeAsString()), "");
  status.mutable_image()->set_id("sha256:1");
  EXPECT_EQ(image_id_in_status(status.SerializeAsString()), "sha256:1");
}

}  // namespace
}  // namespace shim::cri
