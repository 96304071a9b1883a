// Goal: `at:` says where files are, and neither the step nor the key of its result hears of it.

#include <gtest/gtest.h>

#include "tests/pipelines/test_catalog.h"

namespace dml::pipelines {
namespace {

using testing::Errors;
using testing::MustLoad;
using testing::Task;

const NativeWork& WorkOf(const ExpandedPipeline& pipeline, const std::string& task) {
  return std::get<NativeWork>(Task(pipeline, task).work);
}

TEST(NodeFiles, KeepTheirPathsAsTheyWereWritten) {
  const ExpandedPipeline pipeline = MustLoad(R"(
params: {where: n3}
steps:
  - {id: here, uses: read.anywhere, with: {path: data/a.csv}}
  - {id: one, uses: read.anywhere, with: {path: data/*.csv, at: n2}}
  - {id: list, uses: read.anywhere, with: {path: [a.csv, /b.csv], at: "${params.where}"}}
)");
  EXPECT_EQ(Task(pipeline, "here").files.at(0).pattern, "/project/data/a.csv");
  EXPECT_EQ(Task(pipeline, "here").files.at(0).node, "");
  const TaskDecl& one = Task(pipeline, "one");
  ASSERT_EQ(one.files.size(), 1U);
  EXPECT_EQ(one.files[0].pattern, "data/*.csv");
  EXPECT_EQ(one.files[0].param, "path");
  EXPECT_EQ(one.files[0].node, "n2");
  EXPECT_EQ(one.files[0].node_where.line, 5);
  EXPECT_EQ(WorkOf(pipeline, "one").params, Json({{"path", "data/*.csv"}})) << "the node is gone";
  const TaskDecl& list = Task(pipeline, "list");
  ASSERT_EQ(list.files.size(), 2U);
  EXPECT_EQ(list.files[0].param, "path/0");
  EXPECT_EQ(list.files[1].pattern, "/b.csv");
  EXPECT_EQ(list.files[1].node, "n3");
}

TEST(NodeFiles, MayBeAPartOnEachNode) {
  const ExpandedPipeline pipeline = MustLoad(R"(
steps:
  - id: part
    uses: read.anywhere
    matrix: {node: [n1, n2]}
    with: {path: "part-${matrix.node}.csv", at: "${matrix.node}"}
)");
  for (const std::string node : {"n1", "n2"}) {
    const TaskDecl& task = Task(pipeline, "part@node=" + node);
    ASSERT_EQ(task.files.size(), 1U);
    EXPECT_EQ(task.files[0].pattern, "part-" + node + ".csv");
    EXPECT_EQ(task.files[0].node, node);
    EXPECT_FALSE(WorkOf(pipeline, task.name).params.contains("at"));
  }
}

// A parameter that is null switches back to this machine.
TEST(NodeFiles, AtNothingAreHere) {
  const ExpandedPipeline pipeline = MustLoad(R"(
params: {where: null}
steps:
  - {id: a, uses: read.anywhere, with: {path: a.csv, at: "${params.where}"}}
  - {id: b, uses: read.anywhere, with: {path: b.csv, at: null}}
)");
  EXPECT_EQ(Task(pipeline, "a").files.at(0).pattern, "/project/a.csv");
  EXPECT_EQ(Task(pipeline, "b").files.at(0).pattern, "/project/b.csv");
}

TEST(NodeFiles, HaveToBeKnownBeforeTheRun) {
  const auto expect = [](const std::string& with, const std::string& error) {
    const std::string errors = Errors(R"(
steps:
  - {id: first, uses: read.anywhere, with: {path: a.csv}}
  - {id: x, uses: read.anywhere, matrix: {node: [n1, ""]}, with: {)" +
                                      with + "}}\n");
    EXPECT_NE(errors.find(error), std::string::npos) << errors;
  };
  expect("path: a.csv, at: \"${steps.first.metrics.m}\"", "'at' has to be known before the run");
  expect("path: \"${steps.first.metrics.m}\", at: n1",
         "the path of a file on a node has to be known before the run");
  expect("path: a.csv, at: \"${matrix.node}\"", "'at' names no node for 'x@node=");
  expect("path: a.csv, at: [n1]", "'at' must be text");
}

}  // namespace
}  // namespace dml::pipelines
