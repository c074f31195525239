// bin/image-cri-shim of the portable tarball: static, so that it runs whatever libc the node has. It runs the daemon
// with the loader and the libraries beside it, wherever the folder lies, and by nothing that a child would inherit:
// programs that know credentials are the node's own and are to find the node's libraries.
#include <limits.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  char self[PATH_MAX];
  // In a chroot without /proc: by the name that it was executed by.
  if (!::realpath("/proc/self/exe", self) && !::realpath(reinterpret_cast<const char*>(::getauxval(AT_EXECFN)), self)) {
    std::perror("image-cri-shim: /proc/self/exe");
    return 1;
  }
  std::string folder = self;
  for (int i = 0; i < 2; ++i) folder.resize(folder.rfind('/'));  // …/bin/image-cri-shim
  const std::string libraries = folder + "/lib";
  // The loader's file has the daemon's name, which is then the process's in `ps` and the journal.
  const std::string loader = libraries + "/loader/image-cri-shim";
  const std::string daemon = libraries + "/image-cri-shim";
  // --inhibit-cache: the node's cache would give the node's libraries to this libc.
  std::vector<std::string> words = {argc > 0 ? argv[0] : "image-cri-shim",
                                    "--inhibit-cache",
                                    "--library-path",
                                    libraries,
                                    "--argv0",
                                    argc > 0 ? argv[0] : "image-cri-shim",
                                    daemon};
  for (int i = 1; i < argc; ++i) words.emplace_back(argv[i]);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(loader.c_str(), arguments.data());
  std::perror(("image-cri-shim: " + loader).c_str());
  return 1;
}
