#include "orchestrator/report/dag_layout.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace dml::report {

namespace {

constexpr double kBoxHeight = 46;
constexpr double kBoxWidthMin = 96;
constexpr double kBoxWidthMax = 220;
constexpr double kLetterWidth = 7.6;
constexpr double kColumnGap = 52;
constexpr double kRowGap = 18;
constexpr double kMargin = 12;
constexpr double kBendHeight = 8;
constexpr int kSweeps = 6;
constexpr std::size_t kReal = static_cast<std::size_t>(-1);

// A node of the layered graph: a real one, or a bend of a long edge.
struct Vertex {
  std::size_t column = 0;
  std::size_t real = kReal;
  std::vector<std::size_t> left;   // vertices in the column before
  std::vector<std::size_t> right;  // vertices in the column after
  double place = 0;                // order within the column
  double y = 0;                    // centre
  [[nodiscard]] double height() const { return real == kReal ? kBendHeight : kBoxHeight; }
};

struct Layers {
  std::vector<Vertex> vertices;                   // the real ones first
  std::vector<std::vector<std::size_t>> columns;  // vertices, top to bottom
  std::vector<std::vector<std::size_t>> paths;    // per edge: its vertices, left to right
};

std::vector<std::size_t> ColumnOf(const std::vector<DagNode>& nodes) {
  std::vector<std::size_t> column(nodes.size(), 0);
  std::vector<std::size_t> missing(nodes.size());
  std::vector<std::vector<std::size_t>> consumers(nodes.size());
  std::vector<std::size_t> ready;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    missing[n] = nodes[n].producers.size();
    for (std::size_t producer : nodes[n].producers) consumers[producer].push_back(n);
    if (missing[n] == 0) ready.push_back(n);
  }
  for (std::size_t next = 0; next < ready.size(); ++next) {
    for (std::size_t consumer : consumers[ready[next]]) {
      column[consumer] = std::max(column[consumer], column[ready[next]] + 1);
      if (--missing[consumer] == 0) ready.push_back(consumer);
    }
  }
  // A source moves next to its first consumer: short edges read better than an early column.
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (!nodes[n].producers.empty() || consumers[n].empty()) continue;
    std::size_t nearest = column[consumers[n].front()];
    for (std::size_t consumer : consumers[n]) nearest = std::min(nearest, column[consumer]);
    column[n] = nearest - 1;
  }
  return column;
}

Layers BuildLayers(const std::vector<DagNode>& nodes, DagLayout& layout) {
  Layers layers;
  const std::vector<std::size_t> column = ColumnOf(nodes);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    layers.vertices.push_back({column[n], n, {}, {}, 0, 0});
  }
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    for (std::size_t producer : nodes[n].producers) {
      std::vector<std::size_t> path{producer};
      for (std::size_t c = column[producer] + 1; c < column[n]; ++c) {
        layers.vertices.push_back({c, kReal, {}, {}, 0, 0});
        path.push_back(layers.vertices.size() - 1);
      }
      path.push_back(n);
      for (std::size_t i = 1; i < path.size(); ++i) {
        layers.vertices[path[i - 1]].right.push_back(path[i]);
        layers.vertices[path[i]].left.push_back(path[i - 1]);
      }
      layers.paths.push_back(std::move(path));
      layout.edges.push_back({producer, n, {}});
    }
  }
  for (std::size_t v = 0; v < layers.vertices.size(); ++v) {
    const std::size_t c = layers.vertices[v].column;
    if (layers.columns.size() <= c) layers.columns.resize(c + 1);
    layers.columns[c].push_back(v);
  }
  return layers;
}

void Number(Layers& layers, std::vector<std::size_t>& column) {
  for (std::size_t i = 0; i < column.size(); ++i) {
    layers.vertices[column[i]].place = static_cast<double>(i);
  }
}

void SortColumn(Layers& layers, std::vector<std::size_t>& column,
                std::vector<std::size_t> Vertex::*side) {
  std::map<std::size_t, double> barycentre;
  for (std::size_t v : column) {
    const auto& neighbours = layers.vertices[v].*side;
    double sum = 0;
    for (std::size_t n : neighbours) sum += layers.vertices[n].place;
    barycentre[v] = neighbours.empty() ? layers.vertices[v].place
                                       : sum / static_cast<double>(neighbours.size());
  }
  std::stable_sort(column.begin(), column.end(),
                   [&](std::size_t a, std::size_t b) { return barycentre[a] < barycentre[b]; });
  Number(layers, column);
}

void ReduceCrossings(Layers& layers) {
  for (auto& column : layers.columns) Number(layers, column);
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (auto& column : layers.columns) SortColumn(layers, column, &Vertex::left);
    for (auto c = layers.columns.rbegin(); c != layers.columns.rend(); ++c) {
      SortColumn(layers, *c, &Vertex::right);
    }
  }
}

// Pulls every vertex of a column towards the mean of its neighbours, then pushes overlaps apart.
void Settle(Layers& layers, std::vector<std::size_t>& column) {
  std::vector<double> wish;
  for (std::size_t v : column) {
    const Vertex& vertex = layers.vertices[v];
    double sum = 0;
    for (std::size_t n : vertex.left) sum += layers.vertices[n].y;
    for (std::size_t n : vertex.right) sum += layers.vertices[n].y;
    const auto count = static_cast<double>(vertex.left.size() + vertex.right.size());
    wish.push_back(count == 0 ? vertex.y : sum / count);
  }
  const auto gap = [&](std::size_t i) {
    return (layers.vertices[column[i - 1]].height() + layers.vertices[column[i]].height()) / 2 +
           kRowGap;
  };
  std::vector<double> down = wish;
  for (std::size_t i = 1; i < down.size(); ++i) down[i] = std::max(down[i], down[i - 1] + gap(i));
  std::vector<double> up = wish;
  for (std::size_t i = up.size(); i-- > 1;) up[i - 1] = std::min(up[i - 1], up[i] - gap(i));
  // Both keep the distances, and so does their mean.
  for (std::size_t i = 0; i < column.size(); ++i) {
    layers.vertices[column[i]].y = (down[i] + up[i]) / 2;
  }
}

void PlaceRows(Layers& layers) {
  for (auto& column : layers.columns) {
    double y = 0;
    for (std::size_t v : column) {
      layers.vertices[v].y = y + layers.vertices[v].height() / 2;
      y += layers.vertices[v].height() + kRowGap;
    }
    for (std::size_t v : column) layers.vertices[v].y -= y / 2;
  }
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (auto& column : layers.columns) Settle(layers, column);
    for (auto c = layers.columns.rbegin(); c != layers.columns.rend(); ++c) Settle(layers, *c);
  }
  double top = 0;
  for (const Vertex& vertex : layers.vertices) top = std::min(top, vertex.y - vertex.height() / 2);
  for (Vertex& vertex : layers.vertices) vertex.y += kMargin - top;
}

double BoxWidth(const DagNode& node) {
  const double wanted = static_cast<double>(node.label.size()) * kLetterWidth + 30;
  return std::clamp(wanted, kBoxWidthMin, kBoxWidthMax);
}

}  // namespace

DagLayout LayOut(const std::vector<DagNode>& nodes) {
  DagLayout layout;
  Layers layers = BuildLayers(nodes, layout);
  ReduceCrossings(layers);
  PlaceRows(layers);

  layout.boxes.resize(nodes.size());
  std::vector<DagPoint> column_sides;  // x: left side, y: right side
  double x = kMargin;
  for (const auto& column : layers.columns) {
    double width = kBoxWidthMin;
    for (std::size_t v : column) {
      const std::size_t real = layers.vertices[v].real;
      if (real != kReal) width = std::max(width, BoxWidth(nodes[real]));
    }
    for (std::size_t v : column) {
      const Vertex& vertex = layers.vertices[v];
      layout.height = std::max(layout.height, vertex.y + vertex.height() / 2 + kMargin);
      if (vertex.real == kReal) continue;
      layout.boxes[vertex.real] = {x, vertex.y - kBoxHeight / 2, width, kBoxHeight};
    }
    column_sides.push_back({x, x + width});
    x += width + kColumnGap;
  }
  layout.width = x - kColumnGap + kMargin;
  for (std::size_t e = 0; e < layout.edges.size(); ++e) {
    for (std::size_t v : layers.paths[e]) {
      const Vertex& vertex = layers.vertices[v];
      const DagPoint sides = column_sides[vertex.column];
      if (v != layers.paths[e].front()) layout.edges[e].points.push_back({sides.x, vertex.y});
      if (v != layers.paths[e].back()) layout.edges[e].points.push_back({sides.y, vertex.y});
    }
  }
  return layout;
}

}  // namespace dml::report
