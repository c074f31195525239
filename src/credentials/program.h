// Runs a program that knows a credential: docker's credential helpers, the kubelet's credential-provider plugins.
//
// It gets a short input and an environment of its own, and is not trusted to end, to be brief, or to keep what it says
// to itself. It is a process group of its own; the group is killed when the program ends, takes too long or writes too
// much, and the program is reaped, whatever happens. Descriptors of this process are not handed on.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace shim::credentials {

using Variables = std::vector<std::pair<std::string, std::string>>;

struct Program {
  std::string file;                      // path of the executable
  std::vector<std::string> arguments{};  // after its name
  Variables environment{};               // all of it; where a name stands twice, the last one counts
  std::string input{};                   // what it reads from its standard input, which is a file
  std::string install_hint{};            // ends the error that it is missing; empty: nothing to say
};

struct ProgramLimits {
  std::chrono::milliseconds timeout{10'000};
  std::size_t max_output_bytes = 1024 * 1024;   // over it, the program fails
  std::size_t max_complaint_bytes = 64 * 1024;  // what is written beyond is dropped
};

struct ProgramResult {
  int exit_status = 0;
  Secret output;          // standard output
  std::string complaint;  // standard error
};

// Blocks until the program has ended: for a worker. A program that exits is not waited for any longer because a child
// of its own keeps its output open.
// Errors, with the program's name: it cannot be started, was killed by a signal, took too long, wrote too much.
Expected<ProgramResult> run_program(const Program& program, const ProgramLimits& limits);

// What programs get of this process's variables: PATH, HOME, LANG, TZ, SSL_CERT_FILE, SSL_CERT_DIR and the proxies'
// (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY in either case), which a program on a node behind a proxy cannot do
// without. Nothing else: `${VAR}` in the configuration means that other variables hold registries' passwords. Not safe
// against a concurrent setenv().
Variables inherited_variables();

// For an error: `docker-credential-x: exit status 1: no such region`. The first line that the program complained with
// is shown, 200 bytes at most, with the values of `hidden` variables blanked out; its output never.
std::string describe_failure(const Program& program, const ProgramResult& result, const Variables& hidden);

// `why`, which says that the program is missing, and after it the hint, where there is one.
std::unexpected<Error> is_missing(const Program& program, std::string why);

// The name without its folders, for messages.
std::string name_of(const Program& program);

}  // namespace shim::credentials
