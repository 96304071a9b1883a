// The load steps through their parameters: every reader, globs, partitions, and bad input with its
// message and nothing left behind.

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>

#include "base/files.h"
#include "plugins/table/table.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

using Cells = std::vector<std::vector<std::string>>;

class LoadSteps : public StepLab {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    EXPECT_TRUE(WriteFileAtomic(Path(name), text).ok());
    return Path(name);
  }
  // Runs a step that must fail, leaving no file of a table.
  std::string ErrorOf(const std::string& uses, const Json& params) {
    const StepRun run = Run(uses, params, {}, 2);
    EXPECT_FALSE(run.ok());
    if (run.ok()) return "";
    EXPECT_EQ(run.result.error().kind, ErrorKind::kInvalid) << run.Failure();
    for (const auto& [port, artifact] : run.outputs) EXPECT_TRUE(artifact.files.empty()) << port;
    std::string text = run.result.error().Render();
    const std::string folder = Path("");
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
      text.erase(at, folder.size());
    }
    return text;
  }
};

TEST_F(LoadSteps, CsvWithEveryOption) {
  const std::string path = Write("in.csv",
                                 "exported by hand\n"
                                 "# key;amount;day\n"
                                 "0042; 1,5 ;21/11/2026\n"
                                 "0007;-;'x;y'\n"
                                 "0007;2;22/11/2026\n");
  const StepRun run = Run("load.csv", {{"path", path},
                                       {"delimiter", ";"},
                                       {"header", "false"},
                                       {"columns", {"key", "amount", "day"}},
                                       {"quote", "'"},
                                       {"comment", "#"},
                                       {"skip_rows", 1},
                                       {"trim", true},
                                       {"decimal", ","},
                                       {"null_values", {"-", "x;y"}},
                                       {"timestamp_format", "%d/%m/%Y"},
                                       {"types", {{"key", "string"}}},
                                       {"partitions", 2}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs.at("data")),
            (Cells{{"0042", "1.5", "2026-11-21"}, {"0007", "", ""}, {"0007", "2", "2026-11-22"}}));
  EXPECT_EQ(run.metrics["rows"], 3);
  EXPECT_EQ(run.metrics["columns"], 3);
  EXPECT_EQ(run.metrics["missing"], (Json{{"amount", 1}, {"day", 1}}));
}

TEST_F(LoadSteps, GlobsAndLists) {
  Write("in/b.csv", "n\n3\n");
  Write("in/a.csv", "n\n1\n2\n");
  Write("in/[1].csv", "n\n4\n");
  EXPECT_EQ(Rows(Run("load.csv", {{"path", Path("in/?.csv")}}).outputs.at("data")),
            (Cells{{"1"}, {"2"}, {"3"}}));
  EXPECT_EQ(
      Rows(Run("load.csv", {{"path", {Path("in/[1].csv"), Path("in/b*")}}}).outputs.at("data")),
      (Cells{{"4"}, {"3"}}))
      << "a name with a bracket is still a name";
  EXPECT_EQ(ErrorOf("load.csv", {{"path", Path("in/*.tsv")}}),
            "no file matches 'in/*.tsv'\n"
            "  hint: relative patterns start at the folder of the pipeline file");
  EXPECT_EQ(ErrorOf("load.csv", {{"path", Path("in")}}),
            "'in' is a folder, not a file\n"
            "  hint: name its files, for example with a pattern such as folder/*.csv");
}

TEST_F(LoadSteps, ThreadsAndPartitionsOfTheTextDoNotChangeTheRows) {
  std::string text = "id,note,x\n";
  for (int i = 0; i < 500; ++i) {
    text += fmt::format("{},\"note {}\nof, \"\"many\"\"\",{}\n", i, i % 5, i * 0.125);
  }
  const std::string path = Write("in.csv", text);
  const StepRun one = Run("load.csv", {{"path", path}});
  ASSERT_TRUE(one.ok()) << one.Failure();
  for (const char* partitions : {"7", "1Ki", "100"}) {
    const Json value = *partitions == '7' ? Json(7) : Json(partitions);
    const Json params = {{"path", path}, {"partitions", value}};
    const std::string bytes = Bytes(Run("load.csv", params).outputs.at("data"));
    for (const int threads : {2, 3, 7}) {
      const StepRun run = Run("load.csv", params, {}, threads);
      EXPECT_EQ(Rows(run.outputs.at("data")), Rows(one.outputs.at("data")));
      EXPECT_EQ(Bytes(run.outputs.at("data")), bytes) << partitions << " on " << threads;
    }
  }
}

TEST_F(LoadSteps, BadCsvIsRefusedWithItsPlace) {
  const auto error = [&](const std::string& text, Json params = Json::object()) {
    params["path"] = Write("in.csv", text);
    return ErrorOf("load.csv", params);
  };
  EXPECT_EQ(ErrorOf("load.csv", {{"path", Path("none.csv")}}),
            "cannot open 'none.csv': No such file or directory\n"
            "  hint: relative paths start at the folder of the pipeline file");
  EXPECT_EQ(error(""), "'in.csv' is empty");
  EXPECT_EQ(error("a,b\n"),
            "'in.csv' has a header but no rows\n"
            "  hint: check the file and the options header and skip_rows");
  EXPECT_EQ(error("a,b\n1,2\n3\n"),
            "in.csv:3: row 2 has 1 field instead of 2\n"
            "  hint: complete it, or set ragged: pad to fill with missing values");
  EXPECT_EQ(error("a,b\n1,2\n1,two\n", {{"types", {{"b", "float64"}}}}),
            "in.csv:3: row 2, column 'b' holds 'two', which is not float64\n"
            "  hint: mend the cell, list it in null_values, or declare another type for the "
            "column");
  EXPECT_EQ(error("price,b\n1,2\n", {{"types", {{"prize", "float64"}}}}),
            "types names a column 'prize' that does not exist; did you mean 'price'?");
  EXPECT_EQ(error("a,b\n1,2\n", {{"columns", {"a", "b", "c"}}}),
            "'in.csv' has 2 columns, but 3 names are given\n"
            "  hint: give one name per column, or check the delimiter");
  EXPECT_EQ(error("a,b\n1,2\n", {{"partitions", "often"}}).find("often") != std::string::npos,
            true);
}

TEST_F(LoadSteps, RepeatedNamesAreRenamedWithAWarning) {
  const StepRun run = Run("load.csv", {{"path", Write("in.csv", "a,a,\n1,2,3\n")}});
  ASSERT_TRUE(run.ok());
  EXPECT_EQ(run.warnings,
            (std::vector<std::string>{"Column 2 repeats the name 'a' and is called 'a.1'.",
                                      "Column 3 has no name and is called 'column_3'."}));
}

TEST_F(LoadSteps, WholeNumbersThatOverflowWarn) {
  const std::string text = "{\"n\": 1, \"q\": 1e300}\n{\"n\": 18446744073709551616, \"q\": 0.5}\n";
  StepRun run = Run("load.jsonl", {{"path", Write("in.jsonl", text)}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  ASSERT_EQ(run.warnings.size(), 1U);
  EXPECT_NE(run.warnings[0].find("'n' holds whole numbers beyond 64 bits"), std::string::npos);
  run = Run("load.csv", {{"path", Write("in.csv", "n\n1\n9223372036854775808\n")}});
  EXPECT_EQ(run.warnings.size(), 1U);
}

TEST_F(LoadSteps, Jsonl) {
  const std::string path = Write("in.jsonl",
                                 "{\"b\": 1, \"a\": \"x\"}\n\n"
                                 "{\"a\": null, \"when\": \"2026-11-21T10:30:00Z\", \"b\": 2.5}\n");
  const StepRun run = Run("load.jsonl", {{"path", path}, {"types", {{"a", "string"}}}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs.at("data")),
            (Cells{{"1", "x", ""}, {"2.5", "", "2026-11-21 10:30:00"}}));
  EXPECT_EQ(ErrorOf("load.jsonl", {{"path", Write("bad.jsonl", "{\"a\": 1}\n{\"a\": \n")}}),
            "bad.jsonl:2: the line is not valid JSON\n"
            "  hint: write one object a line, in UTF-8");
  EXPECT_NE(ErrorOf("load.jsonl", {{"path", Write("bad.jsonl", "{\"a\": 1}\n{\"a\": \"x\"}\n")},
                                   {"types", {{"a", "int64"}}}})
                .find("bad.jsonl:2: row 2, column 'a' holds \"x\", which is not int64"),
            std::string::npos);
}

TEST_F(LoadSteps, TextStaysAsItIsWritten) {
  const Json as_text = {"size", "flag", "n", "absent"};
  const Json types = {{"n", "int64"}};
  const std::string csv = Write("in.csv", "size,flag,n,other\n1.50,TRUE,1,1.50\n");
  EXPECT_EQ(Rows(Run("load.csv", {{"path", csv}, {"as_text", as_text}, {"types", types}})
                     .outputs.at("data")),
            (Cells{{"1.50", "TRUE", "1", "1.5"}}));
  const std::string jsonl = Write("in.jsonl", "{\"size\": 2.0, \"flag\": true, \"n\": 1}\n");
  const StepRun run = Run("load.jsonl", {{"path", jsonl}, {"as_text", as_text}, {"types", types}});
  EXPECT_EQ(Rows(run.outputs.at("data")), (Cells{{"2.0", "true", "1"}}));
  const auto table = table::Table::Open(run.outputs.at("data").files);
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->schema().fields[0].type, table::ColumnType::kCategory);
  EXPECT_EQ(table->schema().fields[2].type, table::ColumnType::kInt64);
}

TEST_F(LoadSteps, JsonlSaysWhatItCannotHold) {
  const auto failure = [&](const std::string& text) {
    return Run("load.jsonl", {{"path", Write("a.jsonl", text)}}).Failure();
  };
  EXPECT_NE(failure("{\"a\": 1}\n{\"a\": 1e400}\n").find("the number '1e400' is too large"),
            std::string::npos);
  EXPECT_NE(failure("{\"a\": 1, \"b\": {\"a\": 2}, \"a\": 3}\n").find("the key 'a' is there twice"),
            std::string::npos);
  EXPECT_EQ(failure("{\"a\": \"x: {\\\"a\\\": 1}\", \"b\": {\"a\": 2, \"c\": [{\"d\": 1}]}}\n"),
            "");
  EXPECT_NE(failure("{\"a\": 1,}\n").find("not valid JSON"), std::string::npos);
}

TEST_F(LoadSteps, SvmlightSaysWhatItCannotHold) {
  const auto failure = [&](const std::string& text) {
    return Run("load.svmlight", {{"path", Write("a.svm", text)}}).Failure();
  };
  EXPECT_NE(failure("1 1:1e999\n").find("the number '1e999' is too large for float64"),
            std::string::npos);
  EXPECT_NE(failure("-1e999 1:1\n").find("the number '-1e999' is too large"), std::string::npos);
  EXPECT_NE(failure("1 1:x\n").find("is not of the form index:value"), std::string::npos);
}

TEST_F(LoadSteps, AWrongDelimiterWarns) {
  const auto warnings = [&](const std::string& text) {
    StepRun run = Run("load.csv", {{"path", Write("a.csv", text)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.warnings;
  };
  ASSERT_EQ(warnings("a;b\n1;2\n").size(), 1U);
  EXPECT_NE(warnings("a;b\n1;2\n")[0].find("set delimiter: \";\"."), std::string::npos);
  EXPECT_NE(warnings("a\tb\n1\t2\n")[0].find("set delimiter: tab."), std::string::npos);
  EXPECT_EQ(warnings("a\n1\n").size(), 0U);
  EXPECT_EQ(warnings("a;b,c\n1,2\n").size(), 0U);
}

TEST_F(LoadSteps, Svmlight) {
  const std::string path = Write("in.svm", "+1 1:0.5 3:2\n-1 2:1\n");
  const StepRun run = Run("load.svmlight", {{"path", path}, {"features", 4}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs.at("data")), (Cells{{"1", "0:0.5 2:2"}, {"-1", "1:1"}}));
  EXPECT_EQ(ErrorOf("load.svmlight", {{"path", Write("bad.svm", "1 1:2\n1 3:1 2:1\n")}}),
            "bad.svm:2: the feature index 2 does not ascend\n"
            "  hint: sort the features of each line by index");
}

std::string Bytes32(std::initializer_list<unsigned> values) {
  std::string out;
  for (const unsigned value : values) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
  }
  return out;
}

TEST_F(LoadSteps, IdxImagesAndLabels) {
  const std::string images = Write("images", Bytes32({0x803, 2, 1, 2}) + "\x01\x02\x03\x04");
  const std::string labels = Write("labels", Bytes32({0x801, 2}) + "\x07\x09");
  const StepRun run = Run("load.idx", {{"images", images}, {"labels", labels}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs.at("data")), (Cells{{"1", "2", "7"}, {"3", "4", "9"}}));
  const std::string cut = Write("cut", Bytes32({0x803, 2, 1, 2}) + "\x01\x02\x03");
  EXPECT_NE(ErrorOf("load.idx", {{"images", cut}}).find("cut"), std::string::npos);
  const std::string three = Write("three", Bytes32({0x801, 3}) + "\x07\x09\x01");
  EXPECT_NE(ErrorOf("load.idx", {{"images", images}, {"labels", three}}).find("3"),
            std::string::npos);
}

TEST_F(LoadSteps, NpyArrays) {
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2), }";
  header.resize(118, ' ');
  const std::string magic("\x93NUMPY\x01\x00\x76\x00", 10);
  const std::string values("\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0", 16);
  const std::string path = Write("x.npy", magic + header + values);
  const StepRun run = Run("load.npy", {{"path", path}, {"columns", {"u", "v"}}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs.at("data")), (Cells{{"1", "2"}, {"3", "4"}}));
  EXPECT_NE(ErrorOf("load.npy", {{"path", path}, {"columns", {"u"}}}).find("2"), std::string::npos);
  const std::string cut = Write("cut.npy", magic + header + values.substr(1));
  EXPECT_NE(ErrorOf("load.npy", {{"path", cut}}).find("cut.npy"), std::string::npos);
}

TEST_F(LoadSteps, WritingASparseColumnWarnsOfTheNamesThatItLoses) {
  const StepRun terms = Run("preprocess.tfidf", {{"columns", {"t"}}, {"sparse_output", true}},
                            {{"data", Csv("t,n\nred fish,1\nblue fish,2\n")}});
  ASSERT_TRUE(terms.ok()) << terms.Failure();
  const StepRun written =
      Run("write.csv", {{"path", Path("terms.csv")}}, {{"data", terms.outputs.at("data")}});
  ASSERT_TRUE(written.ok()) << written.Failure();
  ASSERT_EQ(written.warnings.size(), 1U);
  EXPECT_NE(written.warnings[0].find("sparse_output: false"), std::string::npos)
      << written.warnings[0];
}

TEST_F(LoadSteps, WriteCsvRoundTrips) {
  const std::string text = "k,x,t\n0042,1.0,2026-11-21\n0007,,\n\"a,b\",-2.5,2026-01-01\n";
  const StepRun first = Run("load.csv", {{"path", Write("in.csv", text)}});
  for (const char* name : {"out.csv", "out.csv.gz", "out.csv.zst"}) {
    const StepRun write =
        Run("write.csv", {{"path", Path(name)}}, {{"data", first.outputs.at("data")}});
    ASSERT_TRUE(write.ok()) << write.Failure();
    const StepRun again = Run("load.csv", {{"path", Path(name)}});
    EXPECT_EQ(Bytes(again.outputs.at("data")), Bytes(first.outputs.at("data"))) << name;
  }
  EXPECT_EQ(*ReadFile(Path("out.csv")), text);
}

TEST_F(LoadSteps, WriteCsvNamesMissingValuesAsItIsTold) {
  const StepRun first = Run("load.csv", {{"path", Write("in.csv", "k,x\na,1.5\n,\nb,-2.0\n")}});
  const StepRun write = Run("write.csv", {{"path", Path("out.csv")}, {"null_value", "?"}},
                            {{"data", first.outputs.at("data")}});
  ASSERT_TRUE(write.ok()) << write.Failure();
  EXPECT_EQ(*ReadFile(Path("out.csv")), "k,x\na,1.5\n?,?\nb,-2.0\n");
}

// Without a deviation every row of a blob is its centre; with one it lies as much farther off.
TEST_F(LoadSteps, BlobsLieAroundTheirCenters) {
  const auto rows = [&](double deviation) {
    const StepRun run =
        Run("generate.blobs",
            {{"n_samples", 200}, {"n_features", 2}, {"centers", 3}, {"cluster_std", deviation}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return Rows(run.outputs.at("data"));
  };
  const Cells centers = rows(0.0);
  const Cells once = rows(1.0);
  const Cells thrice = rows(3.0);
  ASSERT_EQ(centers.size(), 200U);
  std::map<std::string, std::set<std::string>> places;
  for (std::size_t i = 0; i < centers.size(); ++i) {
    places[centers[i][2]].insert(centers[i][0] + " " + centers[i][1]);
    for (const std::size_t column : {0U, 1U}) {
      const double center = std::stod(centers[i][column]);
      EXPECT_NE(std::stod(once[i][column]), center);
      EXPECT_NEAR(std::stod(thrice[i][column]) - center, 3 * (std::stod(once[i][column]) - center),
                  1e-9);
    }
  }
  ASSERT_EQ(places.size(), 3U);
  for (const auto& [cluster, at] : places) EXPECT_EQ(at.size(), 1U) << cluster;
}

TEST_F(LoadSteps, ClassificationHasAsManyClassesAsItIsTold) {
  const auto shares = [&](int classes) {
    const StepRun run = Run("generate.classification",
                            {{"n_samples", 400}, {"n_features", 2}, {"n_classes", classes}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    std::map<std::string, int> counts;
    for (const auto& row : Rows(run.outputs.at("data"))) ++counts[row[2]];
    return counts;
  };
  const std::map<std::string, int> four = shares(4);
  ASSERT_EQ(four.size(), 4U);
  EXPECT_EQ(four.begin()->first, "0");
  EXPECT_EQ(four.rbegin()->first, "3");
  for (const auto& [label, count] : four) EXPECT_GT(count, 60) << label;
  EXPECT_EQ(shares(1).size(), 1U);
}

}  // namespace
}  // namespace dml::steps
