#pragma once

#include <cstdint>
#include <vector>

#include "plugins/learn/data_source.h"

namespace dml::learn {

// The rows of highest score, at most `wanted`, by falling score and ties by row id: whatever the
// order in which tiles come. Tile statistics in the sense of fit_loop.h.
struct TopRows {
  std::vector<double> score;
  std::vector<std::uint64_t> row_id;
  std::vector<double> weight;
  std::vector<int> label;  // as given to Take
  std::vector<double> x;   // shifted and dense, features values each
  std::size_t wanted = 0;

  // The rows of a tile with the highest of these scores; those of -infinity are left out. `labels`
  // may be empty. Replaces what is here.
  void Take(const Tile& tile, const std::vector<double>& scores, const std::vector<int>& labels,
            const std::vector<double>& shift, std::size_t most);
  void Merge(TopRows&& right);
  template <typename A>
  void Fields(A& archive) {
    archive(score);
    archive(row_id);
    archive(weight);
    archive(label);
    archive(x);
    archive(wanted);
  }
};

}  // namespace dml::learn
