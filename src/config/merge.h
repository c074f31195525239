// An overlay laid over a file, as trees. Pure.
#pragma once

#include <deque>

#include "config/document.h"
#include "config/overlay.h"

namespace shim::config {

// `root` with the overlay's values for the keys that it sets; of `cache`, each key for itself. What is new is added to
// `nodes`; the result borrows from all three. A root or a `cache` that is no block, which is an error of the file,
// stays what it is; so do repeated keys.
const Node& merge(const Node& root, const Overlay& overlay, std::deque<Node>& nodes);
const Node& merge(Node&& root, const Overlay& overlay, std::deque<Node>& nodes) = delete;

}  // namespace shim::config
