# The warnings that every target of ours is built with; libraries' headers are SYSTEM and exempt.
add_library(ics_warnings INTERFACE)
target_compile_options(ics_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
# clang blames us for libstdc++ 12's own use of a deprecated function in std::stable_sort; g++ knows better.
target_compile_options(ics_warnings INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
