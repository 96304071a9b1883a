#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace dml::report {

struct DagNode {
  std::string label;
  std::vector<std::size_t> producers;  // positions of other nodes; no cycles
};

struct DagPoint {
  double x = 0;
  double y = 0;
};

// Where everything goes, in pixels. Edges are polylines from the right side of a producer to the
// left side of a consumer, with a bend in every column they cross.
struct DagLayout {
  struct Box {
    double x = 0;
    double y = 0;
    double width = 0;
    double height = 0;
  };
  struct Edge {
    std::size_t from = 0;
    std::size_t to = 0;
    std::vector<DagPoint> points;
  };
  double width = 0;
  double height = 0;
  std::vector<Box> boxes;  // as the nodes
  std::vector<Edge> edges;
};

// A layered drawing, left to right (Sugiyama, Tagawa, Toda 1981): columns by longest path from the
// sources, crossings reduced by barycentre sweeps over the columns, long edges routed through
// invisible nodes. Deterministic. O(sweeps * (V + E) log V).
DagLayout LayOut(const std::vector<DagNode>& nodes);

}  // namespace dml::report
