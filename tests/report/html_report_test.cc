#include "orchestrator/report/html_report.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/html/panel.h"
#include "orchestrator/report/html/timeline_svg.h"
#include "tests/report/sample_run.h"

namespace dml::report {
namespace {

std::size_t CountOf(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(HtmlReport, NothingFromOutsideBecomesMarkup) {
  const std::string html = HtmlReport(SampleRun());
  EXPECT_EQ(CountOf(html, "<script>"), 1U) << "only the sorting script";
  EXPECT_EQ(CountOf(html, "</pre><script>"), 0U);
  EXPECT_EQ(CountOf(html, "<img"), 0U);
  EXPECT_EQ(CountOf(html, "<b>&amp; co"), 0U);
  EXPECT_NE(html.find("&lt;script&gt;alert(1)"), std::string::npos);
  EXPECT_NE(html.find("credit-risk &lt;b&gt;&amp;amp; co&lt;/b&gt;"), std::string::npos);
}

TEST(HtmlReport, NeedsNoNetwork) {
  const std::string html = HtmlReport(SampleRun());
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_EQ(html.find("src="), html.find("src=x"));
  EXPECT_EQ(html.find("@import"), std::string::npos);
}

// Every element that is opened is closed, in the right order: the page is one tree.
TEST(HtmlReport, ElementsAreBalanced) {
  std::string html = HtmlReport(SampleRun());
  const std::size_t script = html.find("<script>");
  html.erase(script, html.find("</script>") - script);
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::string tag = html.substr(at + 1, html.find('>', at) - at - 1);
    const bool closes = tag.starts_with('/');
    const std::string name =
        tag.substr(closes ? 1 : 0, tag.find_first_of(" \n") - (closes ? 1 : 0));
    if (name.starts_with('!') || name == "meta" || name == "script" || tag.ends_with('/')) continue;
    if (closes) {
      ASSERT_FALSE(open.empty()) << name;
      ASSERT_EQ(open.back(), name);
      open.pop_back();
    } else {
      open.push_back(name);
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST(HtmlReport, HasEveryPart) {
  const std::string html = HtmlReport(SampleRun());
  for (const char* id : {"failures", "metrics", "panels", "warnings", "graph", "timeline", "tasks",
                         "pipeline", "environment"}) {
    EXPECT_NE(html.find("<section id=\"" + std::string(id)), std::string::npos) << id;
  }
  EXPECT_EQ(HtmlReport(SampleRun()), html) << "equal facts give equal bytes";
}

TEST(HtmlReport, AnEmptyRunIsStillAPage) {
  RunFacts run;
  run.id = "r1";
  const std::string html = HtmlReport(run);
  EXPECT_NE(html.find("</html>"), std::string::npos);
  EXPECT_EQ(html.find("<section id=\"failures"), std::string::npos);
}

TEST(HtmlReport, ManyTasksDoNotMakeAManyMegabytePage) {
  RunFacts run;
  for (std::size_t i = 0; i < 100'000; ++i) {
    TaskFacts& task = run.tasks.emplace_back();
    task.name = "load[" + std::to_string(i) + "]";
    task.step = "load";
    task.state = "succeeded";
    task.attempts = {{1, {1}, {2}, "succeeded"}};
    task.metrics = {{"rows", i}};
  }
  EXPECT_LT(HtmlReport(run).size(), 2'000'000U);
}

// The page that one looks at with DML_REPORT_OUT=/some/file.html.
// With DML_REPORT_OUT=FILE it stays there, for the eye.
TEST(HtmlReport, IsWrittenWholeAndIsTheSameEveryTime) {
  const char* wanted = std::getenv("DML_REPORT_OUT");
  const std::string path = wanted != nullptr ? wanted : testing::TempDir() + "/dml_report.html";
  const std::string page = HtmlReport(SampleRun());
  std::ofstream(path) << page;
  std::ifstream file(path);
  const std::string read((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(read, HtmlReport(SampleRun()));
  EXPECT_NE(read.find("</html>"), std::string::npos);
  if (wanted == nullptr) std::remove(path.c_str());
}

TEST(Panel, AMalformedPanelIsANote) {
  EXPECT_NE(PanelHtml(Json::object()).find("malformed"), std::string::npos);
  EXPECT_NE(PanelHtml(Json("text")).find("malformed"), std::string::npos);
  EXPECT_NE(PanelHtml({{"type", "lines"}, {"title", "t"}, {"series", 3}}).find("</figure>"),
            std::string::npos);
  EXPECT_NE(PanelHtml({{"type", "hologram"}, {"title", "t"}}).find("cannot draw"),
            std::string::npos);
}

TEST(Panel, ExtremeNumbersDrawWithoutNanInThePicture) {
  const Json panel = {{"type", "lines"},
                      {"title", "t"},
                      {"x_label", "x"},
                      {"y_label", "y"},
                      {"series",
                       {{{"name", "a"}, {"x", {0, 1, 2}}, {"y", {nullptr, 1e308, -1e308}}},
                        {{"name", "b"}, {"x", {5}}, {"y", {5}}},
                        {{"name", "c"}, {"x", Json::array()}, {"y", Json::array()}}}}};
  for (const char* type : {"lines", "scatter"}) {
    Json one = panel;
    one["type"] = type;
    const std::string html = PanelHtml(one);
    EXPECT_EQ(html.find("nan"), std::string::npos) << type;
    EXPECT_EQ(html.find("inf"), std::string::npos) << type;
  }
}

// The texts of the timeline's axis for a run of one task.
std::vector<std::string> AxisOf(double seconds) {
  RunFacts run;
  run.started = {1'000'000};
  run.ended = {1'000'000 + static_cast<std::int64_t>(seconds * 1e6)};
  TaskFacts task;
  task.name = "a";
  task.attempts.push_back({1, run.started, run.ended, "succeeded"});
  run.tasks.push_back(task);
  std::string html = TimelineSvg(run);
  html = html.substr(html.find("<g class=\"axes\">"));
  html.resize(html.find("</g>"));
  std::vector<std::string> labels;
  for (std::size_t end = html.find("</text>"); end != std::string::npos;
       end = html.find("</text>", end + 1)) {
    const std::size_t begin = html.rfind('>', end) + 1;
    labels.push_back(html.substr(begin, end - begin));
  }
  return labels;
}

TEST(Timeline, NoTwoTicksReadTheSame) {
  for (const double seconds : {0.0, 0.004, 0.03, 0.2, 0.35, 0.9, 2.0, 7.0, 12.0, 45.0, 90.0, 700.0,
                               4000.0, 30'000.0, 200'000.0}) {
    const std::vector<std::string> labels = AxisOf(seconds);
    EXPECT_GE(labels.size(), 3U) << seconds;
    EXPECT_EQ(std::set<std::string>(labels.begin(), labels.end()).size(), labels.size())
        << seconds << ": " << Json(labels).dump();
  }
}

TEST(EscapeHtml, ReplacesWhatIsNotText) {
  EXPECT_EQ(EscapeHtml("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(EscapeHtml(std::string("\x01\xFF", 2)), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(EscapeHtml("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(EscapeHtml("cut \xC3"), "cut \xEF\xBF\xBD");
}

TEST(Shorten, CountsLettersNotBytes) {
  EXPECT_EQ(Shorten("abc", 3), "abc");
  EXPECT_EQ(Shorten("abcd", 3), "ab\xE2\x80\xA6");
  EXPECT_EQ(Shorten("\xC3\xBC\xC3\xBC\xC3\xBC", 3), "\xC3\xBC\xC3\xBC\xC3\xBC");
  EXPECT_EQ(Shorten("\xC3\xBC\xC3\xBC\xC3\xBC", 2), "\xC3\xBC\xE2\x80\xA6");
}

}  // namespace
}  // namespace dml::report
