#include "observe/resolve_endpoint.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "observe/explanation_json.h"

namespace shim::observe {

using registry::Explanation;

namespace {

// Without any registry everything is forwarded as it is named, whatever `fallback` says.
void note_missing_registries(Explanation& explanation, const image::Reference& reference) {
  const auto is_configured = [](const Explanation::Line& line) { return line.priority.has_value(); };
  if (std::ranges::any_of(explanation.lines, is_configured)) return;
  explanation.warnings.emplace_back("no registry is configured: every image is pulled as it is named");
  explanation.lines = {{.registry = reference.host(),
                        .is_original = true,
                        .name = reference.original(),
                        .is_chosen = true,
                        .verdict = "chosen: there is no other"}};
}

boost::asio::awaitable<Answer> answer_resolve(Request request, Explain explain) {
  const auto image = request.parameter("image");
  if (!image) co_return error_answer(400, "which image? /resolve?image=NAME&namespace=NAMESPACE");
  auto explained =
      co_await explain_image(*image, request.parameter("namespace").value_or(std::string()), std::move(explain));
  if (!explained) co_return error_answer(400, explained.error().message);
  Answer answer{.content_type = "application/json", .body = to_json(*explained)};
  co_return answer;
}

}  // namespace

boost::asio::awaitable<Expected<Explanation>> explain_image(std::string image, std::string pod_namespace,
                                                            Explain explain) {
  if (image::is_image_id(image)) {
    co_return fail(in_quotes(image) + " is an image ID: no registry is asked for it, the runtime has it or has not");
  }
  const auto reference = image::Reference::parse(image);
  if (!reference) co_return std::unexpected(reference.error());
  Explanation explanation = co_await explain(*reference, std::move(pod_namespace));
  note_missing_registries(explanation, *reference);
  co_return explanation;
}

Handler resolve_endpoint(Explain explain) {
  return [explain = std::move(explain)](Request request) { return answer_resolve(std::move(request), explain); };
}

}  // namespace shim::observe
