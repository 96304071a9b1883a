#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace dml::e2e {

// A program on a pseudo-terminal of its own, which its keys and its screen go through.
class TerminalProgram {
 public:
  // `argv[0]` is the program; starts in `folder`.
  TerminalProgram(const std::string& folder, std::vector<std::string> argv,
                  std::vector<std::string> env, unsigned short columns);
  ~TerminalProgram();
  TerminalProgram(const TerminalProgram&) = delete;
  TerminalProgram& operator=(const TerminalProgram&) = delete;

  void Type(const std::string& keys) const;
  // The terminal goes away, as when its window is closed.
  void Close();
  // Reads until the screen has got `text`; false when the program ended or a minute passed first.
  bool ReadUntil(const std::string& text);
  // Reads to the end and returns the exit code.
  int Wait();
  // Everything that was written so far, escape codes and all.
  [[nodiscard]] const std::string& screen() const { return screen_; }

 private:
  bool ReadSome();

  int master_ = -1;
  pid_t pid_ = -1;
  std::string screen_;
};

}  // namespace dml::e2e
