// `kubelet enable` and `kubelet disable`: the steps, in their order, with what is put back where one fails.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "commands/kubelet_change.h"
#include "commands/kubelet_line.h"
#include "commands/kubelet_node.h"

namespace shim::commands {

class KubeletSwitch {
 public:
  // `socket` is the path of the shim's socket; `line` outlives this.
  KubeletSwitch(const KubeletLine& line, std::string socket);

  // Print to stdout what they do and find; the exit code. Each change of a file is atomic and has its backup before; a
  // kubelet that is not healthy, or does not call the shim, within the line's time-out gets its old file back. A
  // process that is killed in between leaves what `disable` takes back.
  int enable();
  int disable();

 private:
  bool check_before();
  bool is_in_use() const;
  Expected<void> restart();
  Expected<void> wait_until_well(bool calls_the_shim) const;
  int put_back(const KubeletChange& change, const std::string& why);
  int finish_disable(const std::vector<KubeletChange>& changes);
  bool is_confirmed(const char* question) const;

  const KubeletLine& line_;
  const std::string socket_;
  KubeletNode node_;
};

}  // namespace shim::commands
