#include "cli/display/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file_descriptor.h"

namespace dml::cli {

namespace {

constexpr int kWidthOfNoTerminal = 80;
constexpr int kUnlimitedWidth = 1'000'000;

void Tell(std::string_view text) {
  (void)WriteAll(STDERR_FILENO, text);  // if that fails, nobody is left to be told
}

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

int TerminalWidth(int fd, int otherwise) {
  winsize size{};
  if (::isatty(fd) == 0 || ::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return otherwise;
  }
  return size.ws_col;
}

const char* StyleCode(Style style) {
  switch (style) {
    case Style::kPlain:
      return "0";
    case Style::kBold:
      return "1";
    case Style::kDim:
      return "2";
    case Style::kGood:
      return "32";
    case Style::kWarn:
      return "33";
    case Style::kBad:
      return "31";
    case Style::kAccent:
      return "36";
  }
  return "0";
}

// The word for programs.
const char* KindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kTask:
      return "task";
    case ErrorKind::kEnvironment:
      return "environment";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kBusy:
      return "busy";
  }
  return "invalid";
}

}  // namespace

void ReserveStandardStreams() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDONLY);
  if (fd >= 0) ::close(fd);
}

std::string Styled(bool on, Style style, std::string_view text) {
  if (!on || style == Style::kPlain) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", StyleCode(style), text);
}

std::string ShellWord(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@=.,:/+-";
  const bool plain = !word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos;
  if (plain) return std::string(word);
  std::string out = "'";
  for (const char c : Harmless(word)) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string Harmless(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    // U+0080 to U+009F move terminals as ESC does.
    if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      out += fmt::format("\\u{:04x}", next);
      ++i;
    } else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

Output::Output(const CommonOptions& options)
    : format_(options.format == "json" ? Format::kJson : Format::kTable),
      quiet_(options.quiet),
      verbose_(options.verbose) {
  const char* term = std::getenv("TERM");
  dumb_ = term == nullptr || std::string_view(term) == "dumb";
  result_terminal_ = ::isatty(STDOUT_FILENO) != 0;
  message_terminal_ = ::isatty(STDERR_FILENO) != 0;
  const bool welcome = !options.no_color && !IsSet("NO_COLOR") && !dumb_;
  result_color_ = welcome && result_terminal_;
  message_color_ = welcome && message_terminal_;
}

void Output::Print(std::string_view text) const {
  has_printed_ = has_printed_ || !text.empty();
  if (print_errno_ == 0) print_errno_ = WriteAll(STDOUT_FILENO, text);
}

Result<void> Output::Delivered() const {
  // Whoever closes a pipe has read enough.
  if (print_errno_ == 0 || print_errno_ == EPIPE) return {};
  return Error::System("cannot write standard output", print_errno_);
}

void Output::PrintJson(const Json& value) const {
  Print(value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Output::PrintJsonLine(const Json& value) const {
  Print(value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Output::PrintError(const Error& error) const {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  PrintJson({{"error",
              {{"kind", KindName(error.kind)},
               {"message", error.message},
               {"hint", or_null(error.hint)},
               {"place", or_null(error.where)}}}});
}

void Output::Note(std::string_view text) const {
  if (!quiet_) Tell(std::string(text) + "\n");
}

void Output::Warn(std::string_view text) const {
  Tell(ForMessage(Style::kWarn, "warning:") + " " + std::string(text) + "\n");
}

void Output::Problem(const Error& error) const {
  std::string text = ForMessage(Style::kBad, "error:") + " ";
  if (!error.where.empty()) text += Harmless(error.where) + ": ";
  text += Harmless(error.message) + "\n";
  if (!error.hint.empty())
    text += ForMessage(Style::kAccent, "  hint:") + " " + Harmless(error.hint) + "\n";
  Tell(text);
}

void Output::RawMessage(std::string_view text) const { Tell(text); }

std::string Output::ForResult(Style style, std::string_view text) const {
  return Styled(result_color_, style, text);
}

std::string Output::ForMessage(Style style, std::string_view text) const {
  return Styled(message_color_, style, text);
}

int Output::result_width() const { return TerminalWidth(STDOUT_FILENO, kUnlimitedWidth); }

int Output::message_width() const { return TerminalWidth(STDERR_FILENO, kWidthOfNoTerminal); }

Result<void> RefuseFormatAsFile(const std::string& command, const std::string& file) {
  if (file != "json" && file != "table") return {};
  return Error::Invalid("`-o` of dml " + command + " names the file to write, not a format",
                        "a file of that name is -o ./" + file);
}

}  // namespace dml::cli
