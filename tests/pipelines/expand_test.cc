#include "pipelines/expand/expand.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "pipelines/help/graph_text.h"
#include "pipelines/help/schema.h"
#include "pipelines/help/step_reference.h"
#include "tests/pipelines/test_catalog.h"

namespace dml::pipelines {
namespace {

using testing::Errors;
using testing::MustLoad;
using testing::Task;

std::string Numbers(int count) {
  std::string out = "1";
  for (int i = 2; i <= count; ++i) out.append(",").append(std::to_string(i));
  return out;
}

TEST(Expand, SettingsComeFromTheStepThenFromDefaults) {
  const ExpandedPipeline pipeline = MustLoad(R"(
defaults: {retry: {limit: 2, backoff: 5s, infrastructure_limit: 0}, timeout: 1h, resources: {memory: 1Gi}}
steps:
  - {id: a, run: [x]}
  - {id: b, run: [x], retry: 7, timeout: 90s, resources: {cpus: 2.5}, cache: false}
  - {id: c, matrix: {n: [1, 4]}, run: [x], resources: {cpus: "${matrix.n}"}}
)");
  const TaskDecl& a = Task(pipeline, "a");
  EXPECT_EQ(a.retry.limit, 2);
  EXPECT_EQ(a.retry.backoff, Duration::Seconds(5));
  EXPECT_EQ(a.retry.infrastructure_limit, 0);
  EXPECT_EQ(a.timeout, Duration::Seconds(3600));
  EXPECT_TRUE(a.cache);
  const TaskDecl& b = Task(pipeline, "b");
  EXPECT_EQ(b.retry.limit, 7);
  EXPECT_EQ(b.retry.backoff, Duration::Seconds(5));
  EXPECT_EQ(b.timeout, Duration::Seconds(90));
  EXPECT_DOUBLE_EQ(b.resources.cpus, 2.5);
  EXPECT_EQ(b.resources.memory_bytes, 1 << 30);
  EXPECT_FALSE(b.cache);
  EXPECT_DOUBLE_EQ(Task(pipeline, "c@n=4").resources.cpus, 4);
}

TEST(Expand, TaskNamesAreGoodForFilesAndUnique) {
  const ExpandedPipeline pipeline = MustLoad(R"(
steps:
  - {id: a, matrix: {p: [x/y, x y, "../z", [1, 2]]}, run: [echo, hello]}
)");
  std::vector<std::string> names;
  for (const TaskDecl& task : pipeline.tasks) names.push_back(task.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a@p=x_y", "a@p=x_y~2", "a@p=.._z", "a@p=[1,2]"}));
  EXPECT_EQ(pipeline.tasks[TaskId(1)].matrix, Json({{"p", "x y"}}));
}

TEST(Expand, LettersOfAnyScriptStayInNames) {
  const ExpandedPipeline pipeline = MustLoad(
      "steps:\n  - {id: a, run: [echo], matrix: {p: [\xe7\x94\xb7, \xc3\xbcn\xc3\xaf, "
      "\"x\\u202ey\", \"\\u00a0z\"]}}\n");
  std::vector<std::string> names;
  for (const TaskDecl& task : pipeline.tasks) names.push_back(task.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a@p=\xe7\x94\xb7", "a@p=\xc3\xbcn\xc3\xaf", "a@p=x_y",
                                             "a@p=_z"}));
}

TEST(Expand, TasksOfEqualMatricesAreDistinctAndPaired) {
  const std::string matrix = "matrix: {i: [" + Numbers(1000) + "], j: [1, 2, 3, 4, 5]}";
  const ExpandedPipeline pipeline =
      MustLoad("steps:\n - {id: a, uses: test.echo, " + matrix + ", with: {value: '${matrix.i}'}}" +
               "\n - {id: b, uses: split.train_test, " + matrix +
               ", input: a, with: {seed: '${matrix.j}'}}\n");
  ASSERT_EQ(pipeline.tasks.size(), 10'000U);
  std::set<std::string> names;
  for (std::size_t i = 0; i < 5000; ++i) {
    const TaskDecl& consumer = pipeline.tasks[TaskId(5000 + i)];
    ASSERT_EQ(consumer.inputs.size(), 1U);
    EXPECT_EQ(consumer.inputs[0].producer, TaskId(i));
    names.insert(consumer.name);
  }
  EXPECT_EQ(names.size(), 5000U);
}

TEST(Expand, TooManyTasksAreRefusedBeforeTheyAreMade) {
  const std::string axis = std::string("[").append(Numbers(2000)).append("]");
  const std::string errors = Errors("steps:\n - {id: a, run: [x], matrix: {a: " + axis +
                                    ", b: " + axis + ", c: " + axis + "}}\n");
  EXPECT_NE(errors.find("more than 1000000 tasks"), std::string::npos) << errors.substr(0, 300);
}

// Keys hold texts as JSON: two values of which no byte has a place there would have one key.
TEST(Texts, AreUtf8WhereverTheyComeFrom) {
  testing::TestWorld world;
  world.env = {{"X", "a\xff"}};
  world.files = {{"/project/x.txt", "caf\xe9"}};
  const auto errors = [&](const std::string& value) {
    return RenderText(
        world
            .Load("params: {name: x}\nsteps:\n  - {id: a, uses: load.csv, with: {path: "
                  "\"" +
                  value + "\"}}\n")
            .diagnostics);
  };
  EXPECT_NE(errors("${env.X}").find("environment variable 'X' is not UTF-8"), std::string::npos);
  EXPECT_NE(errors("${file:x.txt}").find("the file 'x.txt' is not UTF-8"), std::string::npos);
  world.overrides = {{"name", "q\xfez"}};
  EXPECT_NE(errors("${params.name}").find("the value of 'name' is not UTF-8"), std::string::npos);
  world.overrides = {{"name", "caf\xc3\xa9"}};
  EXPECT_EQ(errors("${params.name}"), "");
  // A secret is handed on as it is, and is in no key.
  const std::string secret = "steps:\n  - {id: a, run: x, env: {T: \"${env.X}\"}}\n";
  EXPECT_TRUE(world.Load("params: {name: x}\n" + secret).ok());
}

TEST(GraphText, DrawsDataAndOrder) {
  const ExpandedPipeline pipeline = MustLoad(R"(
name: a "b"
steps:
  - {id: raw, uses: load.csv, with: {path: x.csv}}
  - {id: split, uses: split.train_test, input: raw}
  - {id: many, foreach: [1,2,3,4,5,6,7,8,9,10,11,12,13], run: [x], needs: split}
)");
  EXPECT_EQ(ToMermaid(pipeline),
            "flowchart LR\n"
            "  n0[\"raw<br/>load.csv\"]\n"
            "  n1[\"split<br/>split.train_test\"]\n"
            "  n2[\"many (x13)<br/>run\"]\n"
            "  n0 --> n1\n"
            "  n1 -.-> n2\n");
  const std::string dot = ToDot(pipeline);
  EXPECT_NE(dot.find("digraph \"a \\\"b\\\"\" {"), std::string::npos);
  EXPECT_NE(dot.find("n1 -> n2 [style=dashed];"), std::string::npos);
}

// Every "$ref" of a schema, with the schema it stands in.
void CollectRefs(const Json& schema, std::set<std::string>& out) {
  if (schema.is_object()) {
    for (const auto& [key, value] : schema.items()) {
      if (key == "$ref") out.insert(value.get<std::string>());
      CollectRefs(value, out);
    }
  } else if (schema.is_array()) {
    for (const Json& item : schema) CollectRefs(item, out);
  }
}

TEST(Schema, EveryReferenceLeadsSomewhere) {
  const Json schema = MakeSchema(testing::TestCatalog());
  std::set<std::string> refs;
  CollectRefs(schema, refs);
  EXPECT_GT(refs.size(), 5U);
  for (const std::string& ref : refs) {
    EXPECT_TRUE(schema.contains(Json::json_pointer(ref.substr(1)))) << ref;
  }
}

TEST(Schema, KnowsEveryStepAndItsParameters) {
  const Json schema = MakeSchema(testing::TestCatalog());
  const Json& step = schema["definitions"]["step"];
  ASSERT_EQ(step["allOf"].size(), testing::TestCatalog().steps.size());
  const Json& load = step["allOf"][0];
  EXPECT_EQ(load["if"]["properties"]["uses"]["const"], "load.csv");
  const Json& with = load["then"]["properties"]["with"];
  EXPECT_EQ(with["additionalProperties"], false);
  EXPECT_EQ(with["required"], Json::array({"path"}));
  EXPECT_TRUE(with["properties"].contains("null_values"));
}

TEST(StepReference, ShowsParametersWithDefaultsAndBounds) {
  const std::string text = StepText(testing::TestCatalog(), "split.train_test");
  EXPECT_NE(text.find("test_size          a number in (0, 1); default 0.25"), std::string::npos)
      << text;
  EXPECT_EQ(StepText(testing::TestCatalog(), "nonsense"), "");
  EXPECT_NE(StepText(testing::TestCatalog(), "impute").find("strategy"), std::string::npos);
  EXPECT_NE(StepListText(testing::TestCatalog()).find("load.csv"), std::string::npos);
}

}  // namespace
}  // namespace dml::pipelines
