// The daemon's log: one line a message on stderr, for journald and for people who grep it.
//
//   text  2022-12-11T02:18:47 info shim-socket: /var/run/image-cri-shim.sock
//   json  {"time":"2022-12-11T02:18:47.123Z","level":"info","message":"shim-socket: /var/run/image-cri-shim.sock"}
//
// Time is UTC; levels are debug, info, warning, error. Control characters in a message are escaped in both forms, so
// that hostile text cannot forge a line; a message is cut at 8 KiB. After configure_log the rest of the code calls
// spdlog::debug, info, warn and error, from any thread.
//
// A stderr that nobody reads never stops the caller: lines are written by a thread of their own from a buffer of at
// most 64 KiB; when it is full the oldest lines go, and a line says how many. O_NONBLOCK instead would change the
// open file for every process that shares it, and spdlog's own async logger joins its thread at exit without a limit
// and so hangs there when stderr is stuck.
#pragma once

#include <unistd.h>

#include <cstdint>

namespace shim {

enum class LogFormat { text, json };

struct LogOptions {
  LogFormat format = LogFormat::text;
  bool debug = false;      // show debug lines
  int fd = STDERR_FILENO;  // borrowed, open for as long as the log is used; tests give a pipe
};

// Makes the log the default of spdlog. Lines of the log before are written first, for at most a second.
// REQUIRES: no other thread logs during the call.
void configure_log(const LogOptions& options);

// Shows or hides debug lines from now on (`debug` of a reloaded configuration). Any thread.
void set_log_debug(bool debug);

// Writes lines in this form from now on (`log.format` of a reloaded configuration). Any thread.
void set_log_format(LogFormat format);

// Waits until everything logged so far is written, for at most a second. Exit does so by itself; _exit and abort do
// not.
void flush_log();

// Lines that were lost since the start of the process because stderr was blocked. Any thread.
std::uint64_t log_lines_dropped();

}  // namespace shim
