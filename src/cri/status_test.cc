#include "cri/status.h"

#include <gtest/gtest.h>

#include "cri/image_calls.pb.h"

namespace shim::cri {
namespace {

TEST(Status, IsAskedForDetails) {
  wire::StatusRequest request;
  ASSERT_TRUE(request.ParseFromString(verbose_status_question()));
  EXPECT_TRUE(request.verbose());
}

TEST(Status, HasTheConfigurationAmongItsDetails) {
  wire::StatusResponse response;
  EXPECT_EQ(config_in_status(response.SerializeAsString()), "");
  (*response.mutable_info())["golang"] = "\"go1.19\"";
  (*response.mutable_info())["config"] = "{}";
  EXPECT_EQ(config_in_status(response.SerializeAsString()), "{}");
  EXPECT_EQ(config_in_status("\xff"), "");
}

TEST(ImageStatus, TellsWhetherTheImageIsThere) {
  wire::ImageStatusRequest request;
  ASSERT_TRUE(request.ParseFromString(image_status_question("pause:3.6")));
  EXPECT_EQ(request.image().image(), "pause:3.6");
  wire::ImageStatusResponse response;
  EXPECT_FALSE(has_image(response.SerializeAsString()));
  response.mutable_image()->set_id("sha256:1");
  EXPECT_TRUE(has_image(response.SerializeAsString()));
}

}  // namespace
}  // namespace shim::cri
