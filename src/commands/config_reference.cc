#include "commands/config_reference.h"

#include "commands/shim_client.h"
#include "config/reference.h"

namespace shim::commands {

int config_reference() {
  return write_answer(config::reference()) ? 0 : 1;
}

}  // namespace shim::commands
