// The daemon's log: one line a message on stderr (base/log_line.h), for journald and for people who grep it. After
// configure_log the rest of the code calls spdlog::debug, info, warn and error, from any thread, or log_event.
//
// A warning or error that repeats is written a few times and then counted (base/log_repeats.h):
// `… (said 995 times more in the last 10s)`. Other levels are never held back.
//
// A stderr that nobody reads never stops the caller: lines are written by a thread of their own from a buffer of at
// most 64 KiB; when it is full the oldest lines go, and a line says how many. The same where it cannot be written to (a
// full disk). O_NONBLOCK instead would change the open file for every process that shares it, and spdlog's own async
// logger joins its thread at exit without a limit and so hangs there when stderr is stuck.
#pragma once

#include <spdlog/common.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

#include "base/log_line.h"

namespace shim {

struct LogOptions {
  LogFormat format = LogFormat::text;
  bool debug = false;           // show debug lines
  bool has_priorities = false;  // each line begins with its syslog priority: journald reads it
  int fd = STDERR_FILENO;       // borrowed, open for as long as the log is used; tests give a pipe
};

// Makes the log the default of spdlog. Lines of the log before are written first, for at most a second. An exception
// that nobody catches is logged before the process aborts.
// REQUIRES: no other thread logs during the call.
void configure_log(const LogOptions& options);

// A line with members of its own in JSON. `measured` is what differs from one time to the next (` duration=1.2s`): it
// ends the message, and does not make it another one where repeats are counted.
void log_event(spdlog::level::level_enum level, std::string_view message, std::string_view measured,
               const LogFields& fields);

// Shows or hides debug lines from now on (`debug` of a reloaded configuration). Any thread.
void set_log_debug(bool debug);

// Writes lines in this form from now on (`log.format` of a reloaded configuration). Any thread.
void set_log_format(LogFormat format);

// Waits until everything logged so far is written, for at most a second. Exit does so by itself; _exit and a signal
// that kills do not, and lose what the writer had not taken up yet: the lines of some microseconds, unless stderr is
// stuck.
void flush_log();

// Lines that were lost since the start of the process because stderr was blocked. Any thread.
std::uint64_t log_lines_dropped();

}  // namespace shim
