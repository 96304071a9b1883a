#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace dml::cli {

enum class Format { kTable, kJson };
enum class Style { kPlain, kBold, kDim, kGood, kWarn, kBad, kAccent };

// The options every subcommand has.
struct CommonOptions {
  std::string home;              // --home; empty: search
  std::string format = "table";  // -o
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
};

// The two channels of the program: results go to stdout, messages to stderr. Knows whether each is
// a terminal and how wide, and whether colour is welcome (NO_COLOR, --no-color, TERM=dumb). Not
// thread-safe; each write is one write(2), so lines of two processes do not mix.
class Output {
 public:
  explicit Output(const CommonOptions& options);

  void Print(std::string_view text) const;       // stdout, as it is; see Delivered()
  void PrintJson(const Json& value) const;       // stdout, indented, newline
  void PrintJsonLine(const Json& value) const;   // stdout, one line
  void Note(std::string_view text) const;        // stderr unless quiet; adds a newline
  void Warn(std::string_view text) const;        // stderr; adds a newline
  void Problem(const Error& error) const;        // stderr: "error: ..." and the hint
  void RawMessage(std::string_view text) const;  // stderr, as it is: the progress display

  // kEnvironment if stdout took less than what was printed; after a failure nothing more is
  // printed. A pipe that its reader has closed is no error.
  [[nodiscard]] Result<void> Delivered() const;

  // Whether anything was printed.
  [[nodiscard]] bool has_printed() const { return has_printed_; }
  // Whether there is no use in printing more.
  [[nodiscard]] bool cut_off() const { return print_errno_ != 0; }

  // The error that ends a command which was to print a document and printed none: {"error"}.
  void PrintError(const Error& error) const;

  // `text` in a style when that channel shows colours, else unchanged.
  [[nodiscard]] std::string ForResult(Style style, std::string_view text) const;
  [[nodiscard]] std::string ForMessage(Style style, std::string_view text) const;

  [[nodiscard]] Format format() const { return format_; }
  [[nodiscard]] bool quiet() const { return quiet_; }
  [[nodiscard]] bool verbose() const { return verbose_; }
  [[nodiscard]] bool live() const { return message_terminal_ && !dumb_; }
  [[nodiscard]] bool message_color() const { return message_color_; }
  // Columns of the terminal now: of stdout for results (a big number when it is no terminal, so
  // that nothing is cut in a file), of stderr for messages (80 when it is none).
  [[nodiscard]] int result_width() const;
  [[nodiscard]] int message_width() const;

 private:
  Format format_ = Format::kTable;
  bool quiet_ = false;
  bool verbose_ = false;
  bool dumb_ = false;
  bool result_terminal_ = false;
  bool message_terminal_ = false;
  bool result_color_ = false;
  bool message_color_ = false;
  mutable int print_errno_ = 0;
  mutable bool has_printed_ = false;
};

// Opens standard streams that are closed, such that reading them gives nothing and writing them
// fails: no file of this program may get their numbers. To be called before anything is opened.
void ReserveStandardStreams();

// `text` between the escape codes of a style, when `on`.
std::string Styled(bool on, Style style, std::string_view text);

// A word as a shell would need it, for commands that a message tells the user to type.
std::string ShellWord(std::string_view word);

// Text from files, logs and data made safe for a terminal: control characters other than newline
// and tab are shown as "\x1b".
std::string Harmless(std::string_view text);

// kInvalid if the FILE of a command's -o is what other commands call a format.
Result<void> RefuseFormatAsFile(const std::string& command, const std::string& file);

}  // namespace dml::cli
