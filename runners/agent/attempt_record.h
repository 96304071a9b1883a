#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::agent {

// How an attempt stands, in a file that outlives everybody who could tell: what lets the next agent
// of a node take up the attempts of one that was killed. Holds no secrets: the environment stays
// out.
struct AttemptRecord {
  runners::AttemptKey key;
  ProcessId worker;     // who runs it, or ran it
  int command_pid = 0;  // of its command and process group; 0: native, or not yet started
  std::int64_t command_start = 0;  // as in ProcessId; 0: not known
  std::vector<PortSpec> outputs;
  std::string attempt_dir;
  std::string log_path;
  Duration grace{0};
  std::optional<runners::AttemptExited> exited;  // nothing while it runs
};

// Sends a signal to the process group of an attempt's command; false if there is none, or its
// number has come to mean another.
bool SignalCommand(const AttemptRecord& record, int signal);

// The record that a worker of this process id begins with.
AttemptRecord BeginRecord(const runners::LaunchSpec& spec);

// Appends how the attempt stands now: the file holds every state it was in, each behind its length.
// Not synced: a record means nothing after the machine was started anew. A file for each attempt is
// most of what a short one costs a node, so that it is made once, and not again for each state.
Result<void> AppendRecord(const std::string& path, const AttemptRecord& record);
// The last state that is whole. kEnvironment if there is none.
Result<AttemptRecord> ReadRecord(const std::string& path);

}  // namespace dml::agent
