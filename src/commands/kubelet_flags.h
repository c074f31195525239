// Flags of the kubelet: of its process, and in the files of variables that its unit reads. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shim::commands {

// The value of the last `--name=value` or `--name value`.
std::optional<std::string> flag_value(const std::vector<std::string>& arguments, std::string_view name);

// A file of systemd's EnvironmentFile=, such as kubeadm's `kubeadm-flags.env` (systemd.exec(5)): the words of its last
// `variable="--a=b --c"`. Nothing where the variable is not set.
std::optional<std::vector<std::string>> flags_in(std::string_view text, std::string_view variable);

// `text` with the flag `--name` in that variable set to `value`, or without it where that is empty. All else stays; a
// variable that is missing is added at the end.
// Errors: the value is quoted in parts, or goes on in another line.
Expected<std::string> with_flag(std::string_view text, std::string_view variable, std::string_view name,
                                const std::string& value);

// `Kubernetes v1.33.1`, as `kubelet --version` prints it: the minor version of 1.x. Nothing where it is something else.
std::optional<int> minor_version(std::string_view said);

}  // namespace shim::commands
