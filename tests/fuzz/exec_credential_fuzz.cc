// Any bytes as the answer of an exec plugin: refused with an error that shows at most its version, or a credential that
// is fit for a request.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kubernetes/exec_credential.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shim::kubernetes;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto credential = parse_exec_credential(text, kExecV1);
  if (!credential) {
    require(credential.error().message.size() < 256 && credential.error().message.find('\n') == std::string::npos);
    return 0;
  }
  require(!credential->token.empty() || !credential->certificate.empty());
  require(credential->certificate.empty() == credential->key.empty());
  require(credential->token.reveal().find_first_of("\r\n ") == std::string_view::npos);
  return 0;
}
