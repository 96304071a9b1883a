#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dml::core {

// How one list of texts became another. What is in both, as often as it is in both, is the same.
struct ListChange {
  std::vector<std::size_t> fresh;  // positions in the new list that nothing old stands for
  std::vector<std::string> gone;   // of the old list, that nothing new stands for
  bool moved = false;              // something that is in both has another position
  std::size_t before = 0;          // the size of the old list
};

ListChange CompareLists(const std::vector<std::string>& before,
                        const std::vector<std::string>& after);

}  // namespace dml::core
