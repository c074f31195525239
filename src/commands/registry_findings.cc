#include "commands/registry_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/units.h"

namespace shim::commands {
namespace {

using Kind = registry::Outcome::Kind;
using Mark = Finding::Mark;
using namespace std::chrono_literals;

constexpr auto kSoon = std::chrono::days(30);  // an expiry to be told of
constexpr auto kMostSkew = 60s;
constexpr std::size_t kMostNames = 8;
constexpr std::size_t kMostOfName = 128;  // bytes

std::string day_of(std::chrono::sys_seconds time) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", printable(names[i], kMostOfName));
  }
  if (names.size() > kMostNames) text += fmt::format(" and {} more", names.size() - kMostNames);
  return text;
}

// `its certificate: CN = a, for the names b and c, signed by CN = d, valid from … until …`
std::string described(const http::PeerCertificate& certificate) {
  std::string text = fmt::format("its certificate: {}", printable(certificate.subject, kMostOfName));
  text += certificate.names.empty() ? ", for no name" : ", for " + joined(certificate.names);
  text += ", signed by " + printable(certificate.issuer, kMostOfName);
  if (certificate.not_before && certificate.not_after) {
    text += fmt::format(", valid from {} until {}", day_of(*certificate.not_before), day_of(*certificate.not_after));
  }
  return text;
}

// `robot$name` is a usual one.
std::string quoted_for_shell(std::string_view text) {
  std::string quoted = "'";
  for (const char c : printable(text, kMostOfName)) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string trial(const registry::Entry& entry) {
  const bool has_user = entry.credential && !entry.credential->username.empty();
  const std::string user =
      has_user ? fmt::format(" -u {}", quoted_for_shell(entry.credential->username)) : std::string();
  return fmt::format("curl -v{} {}/v2/", user, entry.address.api_url());
}

std::string hint_for(const registry::Entry& entry, const RegistryAnswer& answer) {
  switch (answer.outcome.kind) {
    case Kind::refused:
      if (entry.credential && !entry.credential->is_anonymous()) {
        return fmt::format("correct `auth` of this entry; to try a password: {}", trial(entry));
      }
      return "give this entry `auth: user:password`, or a file of `credentials.dockerConfig` its host";
    case Kind::unreachable:
      if (answer.look.certificate) return described(*answer.look.certificate);
      return fmt::format(
          "see that its name is known to this node (DNS, /etc/hosts), its port is open from here, and it runs: {}",
          trial(entry));
    default:
      return fmt::format("see what it answers: {}", trial(entry));
  }
}

Finding judge_use(const registry::Entry& entry, const RegistryAnswer& answer) {
  Finding finding{.subject = "registry " + entry.address.text(), .what = "it answers"};
  if (answer.outcome.kind != Kind::holds) {
    finding.mark = Mark::bad;
    finding.what = answer.outcome.reason.empty() ? "no answer in time" : answer.outcome.reason;
    finding.hint = hint_for(entry, answer);
    return finding;
  }
  if (entry.credential && !entry.credential->is_anonymous()) finding.what += ", and accepts the credentials";
  const auto& certificate = answer.look.certificate;
  if (certificate && certificate->not_after) {
    finding.what += fmt::format("; its certificate, signed by {}, is valid until {}",
                                printable(certificate->issuer, kMostOfName), day_of(*certificate->not_after));
  }
  return finding;
}

void judge_certificate(Findings& findings, const registry::Entry& entry, const RegistryAnswer& answer,
                       std::chrono::sys_seconds now) {
  const std::string subject = "registry " + entry.address.text();
  if (entry.address.is_secure() && entry.tls.insecure_skip_verify) {
    findings.push_back({Mark::warning, subject,
                        "whoever answers in its name is believed, and is sent the credentials: "
                        "tls.insecureSkipVerify is set",
                        "write the file of its authority to tls.ca instead"});
  }
  const auto& certificate = answer.look.certificate;
  if (!certificate || !certificate->not_after) return;
  const auto left = *certificate->not_after - now;
  const bool is_told_already = answer.outcome.kind == Kind::unreachable;
  if (is_told_already || left > kSoon) return;
  const auto days = std::chrono::duration_cast<std::chrono::days>(left).count();
  findings.push_back({Mark::warning, subject,
                      left.count() < 0
                          ? fmt::format("its certificate has expired, on {}", day_of(*certificate->not_after))
                          : fmt::format("its certificate expires on {}, in {} {}", day_of(*certificate->not_after),
                                        days, days == 1 ? "day" : "days"),
                      "renew it there in time: neither the shim nor the runtime pulls from it afterwards"});
}

void judge_clock(Findings& findings, const registry::Entry& entry, const RegistryAnswer& answer) {
  const auto ahead = answer.look.ahead;
  if (!ahead || std::chrono::abs(*ahead) <= kMostSkew) return;
  findings.push_back({Mark::warning, "registry " + entry.address.text(),
                      fmt::format("its clock is {} {} that of this node", format_duration(std::chrono::abs(*ahead)),
                                  *ahead > 0s ? "ahead of" : "behind"),
                      "one of them is wrong, and certificates and tokens with it: see `timedatectl` on both"});
}

void judge_redirect(Findings& findings, const registry::Entry& entry, const RegistryAnswer& answer) {
  if (answer.look.redirect.empty()) return;
  findings.push_back({Mark::warning, "registry " + entry.address.text(),
                      fmt::format("it redirects to {}", printable(answer.look.redirect, 512)),
                      "credentials are not sent there: write the address that answers by itself"});
}

}  // namespace

Findings judge_registry(const registry::Entry& entry, const RegistryAnswer& answer, std::chrono::sys_seconds now) {
  Findings findings = {judge_use(entry, answer)};
  judge_certificate(findings, entry, answer, now);
  judge_clock(findings, entry, answer);
  judge_redirect(findings, entry, answer);
  return findings;
}

}  // namespace shim::commands
