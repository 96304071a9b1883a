#include <signal.h>

#include <string>
#include <vector>

#include "base/open_files.h"
#include "cli/command.h"

int main(int argc, char** argv) {
  // A file that may not grow is an error of the write, with words, and not the end of the program.
  ::signal(SIGXFSZ, SIG_IGN);
  dml::RaiseOpenFiles();
  return static_cast<int>(dml::cli::Dispatch(std::vector<std::string>(argv + 1, argv + argc)));
}
