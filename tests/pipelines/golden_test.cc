// Every golden/<case>.yaml is loaded, and what dml says about it must equal <case>.expected: its
// diagnostics, or its tasks if there are none. DML_BLESS=1 rewrites the expectations.

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "base/files.h"
#include "tests/pipelines/golden_file.h"
#include "tests/pipelines/test_catalog.h"

namespace dml::pipelines::testing {
namespace {

const std::string kFolder = std::string(DML_SOURCE_DIR) + "/tests/pipelines/golden/";

// A first line "# -S a=1 -S b=2" stands for the command line.
Overrides OverridesOf(const std::string& text) {
  Overrides out;
  std::istringstream words(text.substr(0, text.find('\n')));
  std::string word;
  while (words >> word) {
    if (word != "-S") continue;
    words >> word;
    const std::size_t equals = word.find('=');
    out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return out;
}

std::string ShowTask(const ExpandedPipeline& pipeline, const TaskDecl& task) {
  std::ostringstream out;
  out << task.name << '\n';
  if (const auto* native = std::get_if<NativeWork>(&task.work)) {
    out << "  " << native->uses << ' ' << CanonicalJson(native->params) << '\n';
  } else {
    const auto& command = std::get<CommandWork>(task.work);
    out << (command.shell ? "  shell" : "  run");
    for (const std::string& word : command.argv) out << " [" << word << ']';
    out << '\n';
  }
  for (const InputEdge& edge : task.inputs) {
    out << "  " << edge.port << " <- " << pipeline.tasks[edge.producer].name << '.' << edge.output
        << '\n';
  }
  for (const TaskId need : task.needs) out << "  after " << pipeline.tasks[need].name << '\n';
  for (const auto& [name, value] : task.env) out << "  env " << name << '=' << value << '\n';
  for (const std::string& name : task.secret_env) out << "  secret variable " << name << '\n';
  for (const std::string& name : task.secret_files) out << "  secret file " << name << '\n';
  for (const DeferredValue& value : task.deferred) {
    out << "  later " << value.pointer << " = " << value.text << '\n';
  }
  if (task.condition) out << "  if " << task.condition->text << '\n';
  if (task.never) out << "  never\n";
  for (const FileInput& file : task.files) out << "  reads " << file.pattern << '\n';
  return out.str();
}

std::string Load(const std::string& name) {
  LoadOptions options;
  options.catalog = &TestCatalog();
  options.schedule_time = "2026-11-21T02:00:00Z";
  options.env = [](const std::string& variable) -> std::optional<std::string> {
    if (variable == "HOME") return "/home/ada";
    return variable == "TOKEN" ? std::optional<std::string>("s3cret") : std::nullopt;
  };
  options.read_file = [](const std::string& path) -> Result<std::string> {
    return ReadFile(kFolder + path.substr(std::string("/project/").size()));
  };
  options.check_schedule = [](const std::string& key, const std::string& value) -> Result<void> {
    if (key != "cron" || std::ranges::count(value, ' ') >= 4) return {};
    return Error::Invalid("'" + value + "' has too few fields", "such as '0 2 * * *'");
  };
  const auto text = ReadFile(kFolder + name + ".yaml");
  options.overrides = OverridesOf(text.ok() ? *text : "");
  const LoadedPipeline loaded = LoadPipeline("/project/" + name + ".yaml", options);
  std::string out = RenderText(loaded.diagnostics);
  for (std::size_t at = out.find(kFolder); at != std::string::npos; at = out.find(kFolder)) {
    out.replace(at, kFolder.size(), "/project/");
  }
  if (!loaded.ok()) return out;
  for (const TaskDecl& task : loaded.pipeline.tasks) out += ShowTask(loaded.pipeline, task);
  return out;
}

class GoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, SaysWhatIsExpected) {
  golden::Expect(kFolder + GetParam() + ".expected", Load(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTest, ::testing::ValuesIn(golden::Cases(kFolder)),
                         [](const auto& golden) { return golden.param; });

}  // namespace
}  // namespace dml::pipelines::testing
