// Lines to a file descriptor, each whole: lines of several threads do not mix, and nothing is kept
// back in a buffer of ours. What cannot be written (nobody reads, disk full, a descriptor that does
// not block has been full for a moment) is dropped and counted; nothing is raised.
//
// Any thread, without the GIL. Writers of one process share one lock, held for the length of one
// write(2); a forked child gets its own.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette::sdk {

/// Writes the text and a line end. False: dropped.
bool write_line(int descriptor, std::string_view text);

/// Lines dropped since the start of the process.
uint64_t lines_dropped();

}  // namespace vedette::sdk
