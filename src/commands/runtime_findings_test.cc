#include "commands/runtime_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace shim::commands {
namespace {

using config::CriVersion;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Sockets : public testing::Test {
 protected:
  Sockets() {
    char name[] = "/tmp/ics-sockets-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~Sockets() override {
    for (const int descriptor : descriptors_) ::close(descriptor);
    std::filesystem::remove_all(folder_);
  }
  std::string bound(const std::string& name, bool is_listening) {
    const std::string path = folder_ + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    descriptors_.push_back(::socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(::bind(descriptors_.back(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (is_listening) ::listen(descriptors_.back(), 1);
    return path;
  }

  std::string folder_;
  std::vector<int> descriptors_;
};

TEST_F(Sockets, ThatAnswersHasNoFault) {
  EXPECT_EQ(fault_of_socket(bound("/a.sock", true)), SocketFault::none);
}

TEST_F(Sockets, ThatIsNotThereIsMissing) {
  EXPECT_EQ(fault_of_socket(folder_ + "/no.sock"), SocketFault::missing);
}

TEST_F(Sockets, ThatNobodyListensAtRefuses) {
  EXPECT_EQ(fault_of_socket(bound("/a.sock", false)), SocketFault::refused);
}

TEST_F(Sockets, FileIsNone) {
  std::ofstream(folder_ + "/file").put('x');
  EXPECT_EQ(fault_of_socket(folder_ + "/file"), SocketFault::no_socket);
}

TEST_F(Sockets, OfKnownRuntimesAreFound) {
  EXPECT_THAT(runtime_sockets(folder_), IsEmpty());
  bound("/run/crio/crio.sock", true);
  EXPECT_THAT(runtime_sockets(folder_), ElementsAre("/run/crio/crio.sock"));
}

TEST(SilentRuntime, HasAdviceForEachFault) {
  struct Row {
    SocketFault fault;
    const char* advice;
  };
  for (const auto& [fault, advice] :
       {Row{SocketFault::missing, "there is no such socket"}, Row{SocketFault::forbidden, "as root"},
        Row{SocketFault::no_socket, "that is no socket"}, Row{SocketFault::refused, "the runtime has ended"},
        Row{SocketFault::none, "gives no answer"}}) {
    const Finding finding = judge_silent_runtime("/a.sock", "no answer", fault, {});
    EXPECT_EQ(finding.mark, Finding::Mark::bad);
    EXPECT_EQ(finding.what, "no answer");
    EXPECT_THAT(finding.hint, HasSubstr(advice));
  }
}

TEST(SilentRuntime, NamesTheSocketsThatAreThere) {
  const std::vector<std::string> others = {"/a.sock", "/run/crio/crio.sock"};
  EXPECT_THAT(judge_silent_runtime("/a.sock", "", SocketFault::missing, others).hint,
              testing::EndsWith("\na socket of a runtime is here: cri: /run/crio/crio.sock"));
  EXPECT_THAT(judge_silent_runtime("/a.sock", "", SocketFault::forbidden, others).hint, Not(HasSubstr("crio.sock")));
}

TEST(PinnedVersion, ThatTheRuntimeHasIsNotMentioned) {
  EXPECT_FALSE(judge_version("/a", CriVersion::automatic, {.v1 = true}));
  EXPECT_FALSE(judge_version("/a", CriVersion::v1, {.v1 = true}));
  EXPECT_FALSE(judge_version("/a", CriVersion::v1alpha2, {.v1 = true, .v1alpha2 = true}));
}

TEST(PinnedVersion, ThatTheRuntimeLacksIsAWarning) {
  const auto finding = judge_version("/a", CriVersion::v1alpha2, {.v1 = true});
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->mark, Finding::Mark::warning);
  EXPECT_THAT(finding->what, HasSubstr("it speaks CRI v1 and not v1alpha2"));
}

TEST(PinnedVersion, OfARuntimeThatSaysNeitherIsUnknown) {
  EXPECT_FALSE(judge_version("/a", CriVersion::v1, {}));
}

}  // namespace
}  // namespace shim::commands
