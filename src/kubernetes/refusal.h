// What it means that an API server does not give what it was asked for. Pure.
#pragma once

#include <string>

#include "http/client.h"
#include "kubernetes/api_object.h"
#include "kubernetes/watch_plan.h"

namespace shim::kubernetes {

struct Refusal {
  WatchPlan::Outcome outcome;
  std::string reason;  // one clause, with what to do: for a 403 the RBAC rule that is missing
};

// An answer other than 2xx.
Refusal refusal_of_answer(WatchPlan::Ask asked, const http::Response& answer, const ConfigMapKey& wanted);
// An error inside of a watch.
Refusal refusal_of_status(WatchPlan::Ask asked, const Status& status, const ConfigMapKey& wanted);

// The server says in so many words that there is no such ConfigMap: not just any 404.
bool says_not_found(const http::Response& answer);

}  // namespace shim::kubernetes
