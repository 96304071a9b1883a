#include "cli/cluster/node_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/suggest.h"
#include "cli/cluster/cluster_file.h"

namespace dml::cli {

namespace {

constexpr std::size_t kNamedMax = 8;

std::string PlaceOf(const pipelines::Location& where) {
  return fmt::format("{}:{}:{}", where.file, where.line, where.column);
}

std::string HowElse(const std::string& name, const std::vector<std::string>& known) {
  if (std::string near = DidYouMean(name, known); !near.empty()) return near;
  const std::vector<std::string> named(
      known.begin(),
      known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kNamedMax)));
  return fmt::format("it has {}{}", fmt::join(named, ", "),
                     known.size() > kNamedMax ? " and more" : "");
}

}  // namespace

Result<void> RequireNodes(const pipelines::ExpandedPipeline& pipeline, const std::string& cluster,
                          const Output& output) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < pipeline.tasks.size(); ++i) {
    const pipelines::TaskDecl& task = pipeline.tasks[TaskId(i)];
    for (const pipelines::FileInput& file : task.files) {
      if (file.node.empty()) continue;
      if (cluster.empty()) {
        return Error::Invalid(fmt::format("'{}' reads files of node '{}', and the run has no nodes",
                                          task.name, file.node),
                              "name the inventory of the cluster: --cluster FILE")
            .At(PlaceOf(file.node_where));
      }
      if (known.empty()) {
        DML_TRY(const ssh::Cluster opened, OpenCluster({cluster, {}}, output));
        for (const ssh::Host& host : opened.hosts) known.push_back(host.name);
      }
      if (std::ranges::find(known, file.node) != known.end()) continue;
      return Error::Invalid(fmt::format("'{}' has no node '{}'", cluster, file.node),
                            HowElse(file.node, known))
          .At(PlaceOf(file.node_where));
    }
  }
  return {};
}

}  // namespace dml::cli
