// Files that only nodes have: the head asks, the agents look.

#include <fmt/format.h>

#include <algorithm>

#include "runners/ssh/runner_loop.h"

namespace dml::ssh {

void SshRunner::Loop::Look(runners::LookRequest request) { Post(LookAsked{std::move(request)}); }

void SshRunner::Loop::Do(LookAsked& asked) {
  const auto node = std::ranges::find_if(
      nodes_, [&](const auto& one) { return one->host.name == asked.request.node; });
  if (node == nodes_.end()) {
    const std::string& name = asked.request.node;
    return sink_.PostLooked({name, asked.request.pattern,
                             Error::Invalid(fmt::format("the cluster has no node '{}'", name))});
  }
  const auto index = static_cast<std::size_t>(node - nodes_.begin());
  const std::uint64_t id = ++looks_asked_;
  SendLook(id, looks_.emplace(id, PendingLook{std::move(asked.request), index}).first->second);
}

// Otherwise when the node is there.
void SshRunner::Loop::SendLook(std::uint64_t id, const PendingLook& look) {
  Node& node = *nodes_[look.node];
  if (!node.attached) return;
  node.port.Send(runners::FrameType::kLook, node::Encode(node::Look{id, look.request.pattern}));
}

// On a new connection: an agent forgets what the one before was asked.
void SshRunner::Loop::SendLooks(std::size_t index) {
  for (const auto& [id, look] : looks_) {
    if (look.node == index) SendLook(id, look);
  }
}

void SshRunner::Loop::HandleLooked(std::size_t index, node::Looked looked) {
  const auto found = looks_.find(looked.id);
  if (found == looks_.end() || found->second.node != index) return;
  const runners::LookRequest request = std::move(found->second.request);
  looks_.erase(found);
  if (looked.error.message.empty()) {
    return sink_.PostLooked({request.node, request.pattern, std::move(looked.files)});
  }
  sink_.PostLooked(
      {request.node, request.pattern, std::move(looked.error).Within("on " + request.node)});
}

// Of nodes that will not be back as far as anybody can tell: what waits for them ends, and a later
// run of the same may find them there.
void SshRunner::Loop::GiveUpLooks() {
  for (auto it = looks_.begin(); it != looks_.end();) {
    const Node& node = *nodes_[it->second.node];
    const bool refused = !node.refused.empty() && !node.full_until;
    const bool hopeless = !node.attached && (node.gone || refused || GivenUp(node));
    if (!hopeless) {
      ++it;
      continue;
    }
    const std::string& why = refused ? node.refused : node.trouble;
    const runners::LookRequest request = std::move(it->second.request);
    it = looks_.erase(it);
    sink_.PostLooked(
        {request.node, request.pattern,
         Error::Environment(fmt::format("the files '{}' cannot be looked at: the node {} is not "
                                        "reached: {}",
                                        request.pattern, request.node, why),
                            "`dml resume` goes on with the run when the node is back")});
  }
}

void SshRunner::Loop::NoteLooks(std::map<Key, std::string>& waits) const {
  for (const auto& [id, look] : looks_) {
    const Node& node = *nodes_[look.node];
    waits[Key{look.request.run, look.request.task, {}}] =
        node.attached
            ? fmt::format("{}: its files '{}' are being looked at", node.host.name,
                          look.request.pattern)
            : fmt::format("{}: not connected{}; its files '{}' are looked at when it is back",
                          node.host.name, node.trouble.empty() ? "" : " (" + node.trouble + ")",
                          look.request.pattern);
  }
}

}  // namespace dml::ssh
