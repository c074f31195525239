// A temporary folder with files and programs, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace shim::test {

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "credentials.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << name;
    folder_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  // A script; the file is closed before it is run, and new each time, as a file that is written to cannot be executed.
  std::string program(const std::string& name, const std::string& script) const {
    write(name + ".new", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(path(name + ".new"), std::filesystem::perms::owner_all);
    std::filesystem::rename(path(name + ".new"), path(name));
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace shim::test
