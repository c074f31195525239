# The warnings that every target of ours is built with; libraries' headers are SYSTEM and exempt.
add_library(ics_warnings INTERFACE)
target_compile_options(ics_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
