#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace shim::config {
namespace {

using ::testing::HasSubstr;

class Load : public ::testing::Test {
 protected:
  Load() {
    std::string pattern = ::testing::TempDir() + "load_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Load() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }

 private:
  std::string folder_;
};

TEST_F(Load, a_named_file_is_the_file) {
  const FilePlaces places = {write("first", ""), path("second")};
  EXPECT_EQ(choose_file("/named", places).value(), "/named");
}

TEST_F(Load, else_the_first_that_exists) {
  EXPECT_EQ(choose_file("", {write("first", ""), write("second", "")}).value(), path("first"));
  EXPECT_EQ(choose_file("", {path("absent"), path("second")}).value(), path("second"));
}

TEST_F(Load, none_at_all_names_both) {
  const auto chosen = choose_file("", {path("a"), path("b")});
  ASSERT_FALSE(chosen.has_value());
  EXPECT_EQ(chosen.error().message, "no configuration file: neither " + path("a") + " nor " + path("b") +
                                        " exists; write one, or name another with --file");
}

TEST_F(Load, the_default_places_are_the_documented_ones) {
  EXPECT_EQ(default_file_places(), (FilePlaces{"/etc/image-cri-shim.yaml", "/etc/image-cri-shim/config.yaml"}));
}

TEST_F(Load, a_dangling_link_is_no_absent_file) {
  std::filesystem::create_symlink(path("nowhere"), path("link"));
  EXPECT_EQ(choose_file("", {path("link"), write("second", "")}).value(), path("link"));
  EXPECT_FALSE(load(path("link")).has_value());
}

TEST_F(Load, reads_a_file_up_to_its_bound) {
  EXPECT_EQ(load(write("small", "debug: true\n")).value(), "debug: true\n");
  EXPECT_EQ(load(write("full", std::string(kMostFileBytes, '#'))).value().size(), kMostFileBytes);
  EXPECT_FALSE(load(write("larger", std::string(kMostFileBytes + 1, '#'))).has_value());
}

TEST_F(Load, refuses_what_is_no_file_without_waiting_for_it) {
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  std::filesystem::create_directory(path("folder"));
  for (const std::string& name : {path("fifo"), path("folder"), path("absent"), std::string("/dev/zero")}) {
    const auto loaded = load(name);
    ASSERT_FALSE(loaded.has_value()) << name;
    EXPECT_THAT(loaded.error().message, HasSubstr(name));
  }
}

TEST_F(Load, a_huge_file_is_refused) {
  std::filesystem::resize_file(write("huge", ""), 100'000'000);
  EXPECT_FALSE(load(path("huge")).has_value());
}

}  // namespace
}  // namespace shim::config
