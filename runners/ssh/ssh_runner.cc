#include "runners/ssh/ssh_runner.h"

#include <utility>

#include "runners/ssh/runner_loop.h"

namespace dml::ssh {

std::unique_ptr<NodeLink> MakeBridgeLink(const Host& host, const WorkerProgram& worker,
                                         const LinkOptions& options,
                                         std::function<void(LinkEvent)> report) {
  return std::make_unique<BridgeLink>(host, worker, options, std::move(report));
}

SshRunner::SshRunner(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

SshRunner::~SshRunner() { Shutdown(); }

Result<std::unique_ptr<SshRunner>> SshRunner::Connect(ClusterOptions options,
                                                      runners::EventSink& sink) {
  auto loop = std::make_unique<Loop>(std::move(options), sink);
  DML_RETURN_IF_ERROR(loop->AwaitNodes());
  return std::unique_ptr<SshRunner>(new SshRunner(std::move(loop)));
}

runners::Capacity SshRunner::Total() const { return loop_->Total(); }

Result<void> SshRunner::Launch(std::vector<runners::LaunchSpec> batch) {
  loop_->Launch(std::move(batch));
  return {};
}

void SshRunner::Kill(runners::AttemptKey key, runners::KillMode mode) { loop_->Kill(key, mode); }

Result<runners::AttemptStatus> SshRunner::Find(runners::AttemptKey key) { return loop_->Find(key); }

void SshRunner::Release(runners::AttemptKey key) { loop_->Release(key); }

void SshRunner::Look(runners::LookRequest request) { loop_->Look(std::move(request)); }

void SshRunner::Shutdown() { loop_->Shutdown(); }

std::vector<NodeView> SshRunner::Nodes() const { return loop_->Nodes(); }

}  // namespace dml::ssh
