// The journal of systemd, where our output goes there.
#pragma once

namespace shim {

// Whether what is written to `fd` goes to the journal (JOURNAL_STREAM of systemd.exec(5)), which takes a priority at
// the beginning of each line. False where the stream was redirected afterwards, and without systemd.
bool is_journal(int fd);

}  // namespace shim
