#include <string>
#include <vector>

#include "cli/command.h"

int main(int argc, char** argv) {
  return static_cast<int>(dml::cli::Dispatch(std::vector<std::string>(argv + 1, argv + argc)));
}
