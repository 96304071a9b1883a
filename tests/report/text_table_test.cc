#include "orchestrator/report/text_table.h"

#include <gtest/gtest.h>

namespace dml::report {
namespace {

TextTable Sample() {
  TextTable table({{"task"}, {"time", Align::kRight}, {"reason"}});
  table.AddRow({"load", "1.2 s", "not run before"});
  table.AddRow({"m\xC3\xBCsli@C=0.1", "85 ms", ""});
  return table;
}

TEST(TextTable, AlignsColumnsAndLeavesNoTrailingSpaces) {
  EXPECT_EQ(Sample().Render(100),
            "task          time  reason\n"
            "load         1.2 s  not run before\n"
            "m\xC3\xBCsli@C=0.1  85 ms\n");
}

TEST(TextTable, CutsTheWidestTextToFit) {
  const std::string text = Sample().Render(28);
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    EXPECT_LE(DisplayWidth(std::string_view(text).substr(start, end - start)), 28U);
    start = end + 1;
  }
  EXPECT_NE(text.find("85 ms"), std::string::npos) << "numbers are never cut";
}

TEST(TextTable, AnAbsurdlyNarrowTerminalDoesNotHang) { EXPECT_FALSE(Sample().Render(1).empty()); }

}  // namespace
}  // namespace dml::report
