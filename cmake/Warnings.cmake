# The warnings that every target of ours is built with; libraries' headers are SYSTEM and exempt.
add_library(ics_warnings INTERFACE)
target_compile_options(ics_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes a coroutine promise's own operator new and delete, which Boost.Asio defines, for a mismatched pair.
  target_compile_options(ics_warnings INTERFACE -Wno-mismatched-new-delete)
endif()
