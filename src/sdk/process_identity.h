// Who a process is, and which processes are workers of one service; read from proc(5).
#pragma once

#include <cstdint>
#include <string>

namespace vedette::sdk {

/// A process, told from a later one with the same number by when it began (clock ticks since boot).
struct ProcessId {
  int32_t pid = 0;
  uint64_t start = 0;
  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

ProcessId this_process();
/// Still running, and no zombie.
bool is_alive(const ProcessId& process);

/// The process that this one is a worker of; itself when there is none. That is the furthest
/// ancestor reached by forks without exec (gunicorn, prefork servers) and by multiprocessing's
/// spawn and forkserver (uvicorn --workers). A program started by another is a service of its own.
ProcessId service_leader();

/// "4711-123456-<boot id>-<pid namespace>": a name no other service of this machine has.
std::string service_name(const ProcessId& leader);

}  // namespace vedette::sdk
