#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "runners/api/runner.h"

namespace dml::agent {

// How an attempt stands, in a file that outlives everybody who could tell (record_file.h): what
// lets the next agent of a node take up the attempts of one that was killed. Holds no secrets: the
// environment stays out.
struct AttemptRecord {
  runners::AttemptKey key;
  ProcessId worker;     // who runs it, or ran it
  int command_pid = 0;  // of its command and process group; 0: native, or not yet started
  std::int64_t command_start = 0;  // as in ProcessId; 0: not known
  std::vector<PortSpec> outputs;
  std::string attempt_dir;
  std::string log_path;
  Duration grace{0};
  WallTime noted{0};                             // when this was written
  std::optional<runners::AttemptExited> exited;  // nothing while it runs
};

// Sends a signal to the process group of an attempt's command; false if there is none, or its
// number has come to mean another.
bool SignalCommand(const AttemptRecord& record, int signal);

// The record that a worker of this process id begins with.
AttemptRecord BeginRecord(const runners::LaunchSpec& spec);

}  // namespace dml::agent
