#include "kubernetes/known_sight.h"

#include <variant>

namespace shim::kubernetes {

bool KnownSight::is_news(const Sight& sight) {
  if (const auto* unknown = std::get_if<Unknown>(&sight)) return is_new_reason(unknown->reason);
  if (last_ && last_->index() == sight.index()) {
    const auto* present = std::get_if<Present>(&sight);
    if (!present || present->text == std::get<Present>(*last_).text) return false;
  }
  last_ = sight;
  return true;
}

bool KnownSight::is_new_reason(const std::string& reason) {
  if (reasons_.contains(reason)) return false;
  if (reasons_.size() == kMaxReasons) reasons_.clear();  // reasons of ever new text
  reasons_.insert(reason);
  return true;
}

}  // namespace shim::kubernetes
