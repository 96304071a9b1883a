#include "runners/api/messages.h"

#include "runners/api/message_fields.h"

namespace dml::runners {

constexpr KillMode LastOf(KillMode) { return KillMode::kKill; }

void Fields(auto& io, Is<NativeStep> auto& step) { io(step.uses, step.params); }

void Fields(auto& io, Is<Command> auto& command) {
  io(command.argv, command.work_dir, command.outputs, command.inputs, command.own_folder,
     command.pipeline_dir, command.umask);
}

void Fields(auto& io, Is<InPlace> auto& place) {
  io(place.node, place.step, place.param, place.stamps);
}

void Fields(auto& io, Is<FileSet> auto& set) { io(set.pattern, set.files, set.in_place); }

void Fields(auto& io, Is<LaunchSpec> auto& spec) {
  io(spec.key, spec.task_name, spec.work, spec.inputs, spec.outputs, spec.env, spec.secrets,
     spec.attempt_dir, spec.checkpoint_dir, spec.log_path, spec.files, spec.labels,
     spec.record_path, spec.cpus, spec.threads, spec.memory_bytes, spec.timeout, spec.grace);
}

void Fields(auto& io, Is<KillRequest> auto& request) { io(request.key, request.mode); }

void Fields(auto& io, Is<AttemptStarted> auto& event) { io(event.key, event.pid); }

void Fields(auto& io, Is<AttemptProgress> auto& event) {
  io(event.key, event.fraction, event.note);
}

std::string EncodeLaunch(const LaunchSpec& spec) { return Pack(spec); }
Result<LaunchSpec> DecodeLaunch(std::string_view payload) { return Unpack<LaunchSpec>(payload); }

std::string EncodeKey(const AttemptKey& key) { return Pack(key); }
Result<AttemptKey> DecodeKey(std::string_view payload) { return Unpack<AttemptKey>(payload); }

std::string EncodeKill(const KillRequest& request) { return Pack(request); }
Result<KillRequest> DecodeKill(std::string_view payload) { return Unpack<KillRequest>(payload); }

std::string EncodeStarted(const AttemptStarted& event) { return Pack(event); }
Result<AttemptStarted> DecodeStarted(std::string_view payload) {
  return Unpack<AttemptStarted>(payload);
}

std::string EncodeProgress(const AttemptProgress& event) { return Pack(event); }
Result<AttemptProgress> DecodeProgress(std::string_view payload) {
  DML_TRY(AttemptProgress event, Unpack<AttemptProgress>(payload));
  // Neither more than there is, nor no number at all.
  const bool fine = event.fraction >= 0 && event.fraction <= 1;
  if (!fine) return Error::Environment("a malformed message: a share that is none");
  return event;
}

std::string EncodeExited(const AttemptExited& event) { return Pack(event); }
Result<AttemptExited> DecodeExited(std::string_view payload) {
  return Unpack<AttemptExited>(payload);
}

}  // namespace dml::runners
