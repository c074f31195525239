# The warnings that every target of ours is built with; libraries' headers are SYSTEM and exempt.
add_library(ics_warnings INTERFACE)
target_compile_options(ics_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  # GCC 12 takes a coroutine promise's own operator new and delete, which Boost.Asio defines, for a mismatched pair.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
  # clang blames us for libstdc++ 12's own use of a deprecated function in std::stable_sort; g++ knows better.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
