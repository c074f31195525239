// Any text is refused with a bounded error or parsed into a form that parses to itself; nothing else happens.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/address.h"
#include "image/match.h"
#include "image/reference.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace shim::image;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto reference = Reference::parse(text);
  if (reference) {
    const auto again = Reference::parse(reference->canonical());
    require(again && *again == *reference && again->canonical() == reference->canonical());
    require(!is_image_id(text));
  } else {
    require(reference.error().message.size() < 512 && reference.error().message.find('\n') == std::string::npos);
  }
  const auto pattern = Pattern::parse(text);
  if (pattern && reference) (void)pattern->matches(*reference);
  if (const auto address = Address::parse(text)) require(!address->host().empty() && !address->api_url().empty());
  return 0;
}
