#pragma once

#include "base/artifact.h"
#include "base/clock.h"
#include "runners/api/packing.h"
#include "runners/api/runner.h"

// What the parts are made of that messages have in common.

namespace dml {

constexpr ErrorKind LastOf(ErrorKind) { return ErrorKind::kBusy; }
constexpr PortKind LastOf(PortKind) { return PortKind::kFile; }

}  // namespace dml

namespace dml::runners {

void Fields(auto& io, Is<Duration> auto& duration) { io(duration.ns); }

void Fields(auto& io, Is<Error> auto& error) {
  io(error.kind, error.message, error.hint, error.where);
}

void Fields(auto& io, Is<ArtifactFile> auto& file) {
  io(file.name, file.path, file.size, file.digest, file.executable);
}

void Fields(auto& io, Is<Artifact> auto& artifact) {
  io(artifact.port, artifact.kind, artifact.files, artifact.digest);
}

void Fields(auto& io, Is<FileStamp> auto& stamp) {
  io(stamp.device, stamp.inode, stamp.size, stamp.mtime_ns, stamp.ctime_ns);
}

void Fields(auto& io, Is<RemoteFile> auto& file) {
  io(file.name, file.path, file.stamp, file.digest);
}

// As far as whoever makes an output has to know.
void Fields(auto& io, Is<PortSpec> auto& port) { io(port.name, port.kind, port.required); }

void Fields(auto& io, Is<AttemptKey> auto& key) {
  io(key.run.value, key.task.value, key.attempt.value);
}

void Fields(auto&, Is<ExitSuccess> auto&) {}
void Fields(auto&, Is<ExitTimeout> auto&) {}
void Fields(auto&, Is<ExitKilled> auto&) {}
void Fields(auto& io, Is<ExitSignal> auto& exit) { io(exit.signal, exit.out_of_memory); }
void Fields(auto& io, Is<ExitFailure> auto& exit) {
  io(exit.error, exit.exit_code, exit.out_of_memory);
}

void Fields(auto& io, Is<ResourceUsage> auto& usage) {
  io(usage.wall, usage.cpu, usage.memory_bytes_max);
}

void Fields(auto& io, Is<AttemptExited> auto& event) {
  io(event.key, event.reason, event.metrics, event.warnings, event.usage);
}

}  // namespace dml::runners
