// What `dml schema` hands to editors agrees with the language: every example, and every way to
// leave something empty, is valid to both.

#include "pipelines/help/schema.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "pipelines/load.h"
#include "pipelines/yaml/parse.h"
#include "pipelines/yaml/scalar.h"
#include "tests/steps/builtin_catalog.h"
#include "tests/steps/schema_checker.h"

namespace dml::steps {
namespace {

namespace fs = std::filesystem;

Json DataOf(const std::string& yaml) {
  pipelines::Diagnostics diagnostics;
  const auto document = pipelines::ParseYaml(
      pipelines::MakeSource("p.yaml", "/project", yaml, /*order=*/0), diagnostics);
  EXPECT_TRUE(document.has_value());
  return document ? pipelines::ToJson(document->root) : Json();
}

std::string FaultOf(const std::string& yaml) {
  static const Json schema = pipelines::MakeSchema(Catalog());
  return SchemaChecker(schema).FaultOf(DataOf(yaml));
}

bool LanguageTakes(const std::string& yaml) {
  pipelines::LoadOptions options;
  options.catalog = &Catalog();
  options.read_file = [&yaml](const std::string&) -> Result<std::string> { return yaml; };
  const pipelines::LoadedPipeline loaded = pipelines::LoadPipeline("/project/p.yaml", options);
  EXPECT_TRUE(loaded.ok()) << yaml << pipelines::RenderText(loaded.diagnostics);
  return loaded.ok();
}

TEST(Schema, EveryExampleIsValid) {
  int examples = 0;
  for (const auto& entry : fs::directory_iterator(std::string(DML_SOURCE_DIR) + "/examples")) {
    const auto text = ReadFile((entry.path() / "pipeline.yaml").string());
    ASSERT_TRUE(text.ok()) << entry.path();
    EXPECT_EQ(FaultOf(*text), "") << entry.path();
    ++examples;
  }
  EXPECT_GE(examples, 6);
}

TEST(Schema, WhatTheLanguageTakesIsValid) {
  const std::string step = "steps:\n  - id: a\n    uses: generate.blobs\n";
  for (const char* key : {"params", "defaults", "schedule", "env", "description"}) {
    const std::string yaml = std::string(key) + ":\n" + step;
    EXPECT_TRUE(LanguageTakes(yaml));
    EXPECT_EQ(FaultOf(yaml), "");
  }
  for (const char* line : {"with:", "name:", "retry:", "timeout:", "with: {n_samples: 1e3}",
                           "with: {n_samples: '${env.N:-7}'}"}) {
    EXPECT_EQ(FaultOf(step + "    " + line + "\n"), "") << line;
  }
  for (const char* header : {"true", "false", "auto", "'true'"}) {
    const std::string yaml =
        "steps: [{id: a, uses: load.csv, with: {path: x.csv, header: " + std::string(header) +
        "}}]";
    EXPECT_TRUE(LanguageTakes(yaml));
    EXPECT_EQ(FaultOf(yaml), "") << header;
  }
}

TEST(Schema, FaultsAreFound) {
  EXPECT_NE(FaultOf("steps: [{id: a, uses: load.csv, with: {path: x, header: maybe}}]"), "");
  EXPECT_NE(FaultOf("steps: [{id: a, uses: load.csv, with: {pth: x}}]"), "");
  EXPECT_NE(FaultOf("steps: [{id: a, uses: load.csv, with: null}]"), "") << "path is required";
  EXPECT_NE(FaultOf("steps: [{id: a, uses: load.csw}]"), "");
  EXPECT_NE(FaultOf("steps: [{id: a}]"), "");
  EXPECT_NE(FaultOf("stepz: []"), "");
  EXPECT_NE(FaultOf("steps: [{id: 'a b', uses: noop}]"), "");
}

}  // namespace
}  // namespace dml::steps
