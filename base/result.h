#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace dml {

// Who can mend a failure. The kind decides the exit code and whether an attempt is repeated.
enum class ErrorKind {
  kInvalid,      // the pipeline, the command line or the data is wrong: exit 2, never retried
  kTask,         // the task itself failed: exit 1, counts against `retry.limit`
  kEnvironment,  // disk, network, a lost process: exit 3, counts against the infrastructure budget
  kCancelled,    // somebody asked for it to stop: exit 130 or 143
  kBusy,         // another live process is at it: exit 4
};

// What went wrong, as one sentence without a full stop, and what to do about it. Plain data: it
// crosses thread and process borders by value.
struct Error {
  ErrorKind kind = ErrorKind::kTask;
  std::string message;
  std::string hint;   // a remedy in the imperative; may be empty
  std::string where;  // "file:line:column", a path, or a row and column; may be empty

  static Error Invalid(std::string message, std::string hint = {}) {
    return {ErrorKind::kInvalid, std::move(message), std::move(hint), {}};
  }
  static Error Task(std::string message, std::string hint = {}) {
    return {ErrorKind::kTask, std::move(message), std::move(hint), {}};
  }
  static Error Environment(std::string message, std::string hint = {}) {
    return {ErrorKind::kEnvironment, std::move(message), std::move(hint), {}};
  }
  static Error Cancelled(std::string message) {
    return {ErrorKind::kCancelled, std::move(message), {}, {}};
  }
  static Error Busy(std::string message, std::string hint = {}) {
    return {ErrorKind::kBusy, std::move(message), std::move(hint), {}};
  }
  // The failure of a system call: "cannot open 'x': No such file or directory".
  static Error System(const std::string& action, int errno_value);

  // The same error, located; an inner location is kept because it is the more precise one.
  [[nodiscard]] Error At(std::string place) && {
    if (where.empty()) where = std::move(place);
    return std::move(*this);
  }
  // The same error with the larger task in front: "cannot load 'x': ...".
  [[nodiscard]] Error Within(const std::string& outer) && {
    message = outer + ": " + message;
    return std::move(*this);
  }

  // "where: message" and, on a second line, the hint.
  [[nodiscard]] std::string Render() const;

  friend bool operator==(const Error&, const Error&) = default;
};

// A value or the reason why there is none. Not default-constructible, never both.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & {
    DML_CHECK(ok(), "value() of a failed Result");
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const& {
    DML_CHECK(ok(), "value() of a failed Result");
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    DML_CHECK(ok(), "value() of a failed Result");
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const& {
    DML_CHECK(!ok(), "error() of a successful Result");
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] Error&& error() && {
    DML_CHECK(!ok(), "error() of a successful Result");
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] const Error& error() const& {
    DML_CHECK(!ok(), "error() of a successful Result");
    return *error_;
  }
  [[nodiscard]] Error&& error() && {
    DML_CHECK(!ok(), "error() of a successful Result");
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace dml

#define DML_CONCAT_INNER(a, b) a##b
#define DML_CONCAT(a, b) DML_CONCAT_INNER(a, b)

// DML_TRY(auto x, F());  declares x from a successful Result, or returns its error.
#define DML_TRY(declaration, expression) \
  DML_TRY_IMPL(DML_CONCAT(dml_result_, __COUNTER__), declaration, expression)
#define DML_TRY_IMPL(result, declaration, expression) \
  auto result = (expression);                         \
  if (!result.ok()) return std::move(result).error(); \
  declaration = std::move(result).value()

// DML_RETURN_IF_ERROR(F());  returns the error of a failed Result<void>.
#define DML_RETURN_IF_ERROR(expression)                     \
  do {                                                      \
    if (auto dml_status = (expression); !dml_status.ok()) { \
      return std::move(dml_status).error();                 \
    }                                                       \
  } while (false)
