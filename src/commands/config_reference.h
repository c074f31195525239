// `config reference`: every key of the file, as Markdown on standard output.
#pragma once

namespace shim::commands {

// The exit code: 1 where it could not be written.
int config_reference();

}  // namespace shim::commands
