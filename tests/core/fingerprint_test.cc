#include "orchestrator/core/fingerprint.h"

#include <gtest/gtest.h>

namespace dml::core {
namespace {

using pipelines::CommandWork;
using pipelines::NativeWork;
using pipelines::Work;

Digest Of(std::string_view text) { return Sha256::Of(text); }

// Every key on every disk depends on it.
TEST(KeyFields, AreTheCanonicalFormOfWhatTheySay) {
  const Work native = NativeWork{"train.ridge", 3, {{"alpha", 0.1}, {"path", "a.csv"}, {"b", {}}}};
  const Work command =
      CommandWork{{"say", "a \"quoted\" \\ word", "caf\xc3\xa9", "bad \xff byte", ""},
                  true,
                  {"code.py"},
                  {{"z", "out/z"}, {"a", "out/a"}},
                  {{"in", "in.csv"}},
                  {{"z", "table"}}};
  const std::map<std::string, std::string> env{{"B", "new\nline"}, {"A", "\x7f"}};
  KeyParts parts;
  parts.env = &env;
  parts.inputs = {{"train", Of("2")}, {"data", Of("1")}, {"train", Of("3")}};
  parts.parts.push_back({&native, {{"path", Of("file")}}});
  parts.parts.push_back({&command, {}, {{"lib/code.py", Of("code")}}});

  const std::string text = KeyFields(parts);

  const Json expected = {
      {"env", {{"A", "\x7f"}, {"B", "new\nline"}}},
      {"format", kKeyFormat},
      {"inputs",
       {{"data", {Of("1").Hex()}}, {"train", Json::array({Of("2").Hex(), Of("3").Hex()})}}},
      {"work",
       {{{"algorithm", 3},
         {"files", {{"path", Of("file").Hex()}}},
         {"params", {{"alpha", 0.1}, {"b", nullptr}}},
         {"uses", "train.ridge"}},
        {{"argv", std::get<CommandWork>(command).argv},
         {"code", {{"lib/code.py", Of("code").Hex()}}},
         {"inputs", {{"in", "in.csv"}}},
         {"kinds", {{"z", "table"}}},
         {"modes", true},
         {"outputs", {{"a", "out/a"}, {"z", "out/z"}}},
         {"shell", true}}}}};
  EXPECT_EQ(text, CanonicalJson(expected));
}

// In a list as well as alone.
TEST(KeyFields, NamesOfFilesDoNotCount) {
  const auto fields = [](const std::string& first, const std::string& second) {
    const Work work = NativeWork{"load.csv", 1, {{"path", Json::array({first, second})}}};
    KeyParts parts;
    parts.parts.push_back({&work, {{"path/0", Of("1")}, {"path/1", Of("2")}}});
    return KeyFields(parts);
  };
  EXPECT_EQ(fields("/here/a.csv", "/here/b.csv"), fields("x.csv", "y.csv"));
}

TEST(KeyFields, LeaveOutWhatThereIsNone) {
  const Work work = NativeWork{"noop", 1, Json::object()};
  KeyParts parts;
  parts.parts.push_back({&work, {}});
  EXPECT_EQ(KeyFields(parts), R"({"format":2,"work":[{"algorithm":1,"params":{},"uses":"noop"}]})");
}

// Results of before modes were kept lack them, and are made again; nobody else's are.
TEST(KeyChanges, SayThatModesWereNotKept) {
  const auto fields = [](std::map<std::string, std::string> outputs) {
    const Work command = CommandWork{{"make"}, false, {}, std::move(outputs), {}, {}};
    KeyParts parts;
    parts.parts.push_back({&command, {}});
    return KeyFields(parts);
  };
  const std::string after = fields({{"o", "tool"}});
  std::string before = after;
  const std::string modes = "\"modes\":true,";
  before.erase(before.find(modes), modes.size());
  const std::vector<KeyChange> changes = KeyChanges(before, after);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(
      changes[0].text,
      "its last result is of another version of dml, which did not keep what can be executed");
  EXPECT_EQ(fields({}).find("modes"), std::string::npos);
  for (const KeyChange& change : KeyChanges(fields({}), after)) EXPECT_NE(change.name, "modes");
}

// What runs as one task is told apart by the names of its steps.
TEST(KeyChanges, NameTheStepOfAChain) {
  const auto fields = [](double low, double offset, bool longer) {
    const Work clip = NativeWork{"preprocess.clip", 1, {{"min", low}}};
    const Work log = NativeWork{"preprocess.log", 1, {{"offset", offset}}};
    KeyParts parts;
    parts.parts.push_back({&clip, {}});
    parts.parts.push_back({&log, {}});
    if (longer) parts.parts.push_back({&log, {}});
    return KeyFields(parts);
  };
  const std::string before = fields(1, 2, false);
  const std::vector<KeyChange> changes =
      KeyChanges(before, fields(3, 4, false), {"clean@k=1", "logs@k=1"});
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].text, "clean@k=1.params.min 1.0 -> 3.0");
  EXPECT_EQ(changes[1].text, "logs@k=1.params.offset 2.0 -> 4.0");
  const std::vector<KeyChange> grown = KeyChanges(before, fields(1, 2, true), {"a", "b", "c"});
  ASSERT_EQ(grown.size(), 1U);
  EXPECT_EQ(grown[0].text, "the chain has 3 steps, it had 2");
}

// A mapping whose order matters is bound as a list of pairs, which says nothing to people.
TEST(KeyChanges, NameTheEntriesOfAnOrderedMapping) {
  const auto fields = [](const Json& columns) {
    const Work derive = NativeWork{"derive", 1, {{"columns", columns}}};
    KeyParts parts;
    parts.parts.push_back({&derive, {}});
    return KeyFields(parts);
  };
  const auto changes = [&](const Json& before, const Json& after) {
    std::string out;
    for (const KeyChange& change : KeyChanges(fields(before), fields(after), {"total"})) {
      out += change.text + "; ";
    }
    return out;
  };
  const Json ab = Json::array({{"a", "x + 1"}, {"b", "y"}});
  EXPECT_EQ(changes(ab, Json::array({{"a", "x + 2"}, {"b", "y"}})),
            "params.columns.a \"x + 1\" -> \"x + 2\"; ");
  EXPECT_EQ(changes(ab, Json::array({{"c", "z"}, {"a", "x + 1"}, {"b", "y"}})),
            "params.columns.c absent -> \"z\"; ");
  EXPECT_EQ(changes(ab, Json::array({{"b", "y"}, {"a", "x + 1"}})),
            "the same values come in another order; ");
  EXPECT_EQ(changes(Json::array({"a", "b"}), Json::array({"a", "c"})),
            "params.columns.1 \"b\" -> \"c\"; ");
}

// An input that comes or goes is one change, whatever else of the key it is in.
TEST(KeyChanges, NameInputsThatComeAndGo) {
  const auto fields = [](std::vector<std::string> ports) {
    CommandWork command{{"make"}, false, {}, {}, {}, {}};
    KeyParts parts;
    for (const std::string& port : ports) {
      command.inputs[port] = port;
      parts.inputs.emplace_back(port, Sha256::Of(port));
    }
    const Work work = command;
    parts.parts.push_back({&work, {}});
    return KeyFields(parts);
  };
  const auto changes = [&](const std::vector<std::string>& before,
                           const std::vector<std::string>& after) {
    std::string out;
    for (const KeyChange& change : KeyChanges(fields(before), fields(after))) {
      out += change.text + "; ";
    }
    return out;
  };
  EXPECT_EQ(changes({"l"}, {}), "input l removed; ");
  EXPECT_EQ(changes({}, {"l"}), "input l added; ");
  EXPECT_EQ(changes({"a/b", "l"}, {"l", "m"}), "input a/b removed; input m added; ");
}

TEST(KeyChanges, ShowWhatWasEmptyAsNothing) {
  const auto fields = [](const Json& params) {
    const Work work = NativeWork{"w", 1, params};
    KeyParts parts;
    parts.parts.push_back({&work, {}});
    return KeyFields(parts);
  };
  const auto changes = KeyChanges(fields({{"c", Json::array()}}), fields({{"c", {"x"}}}));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].text, "params.c.0 absent -> \"x\"");
}

std::string ChangeOfCommand(const CommandWork& before, const CommandWork& after) {
  const auto fields = [](const CommandWork& command) {
    const Work work = command;
    KeyParts parts;
    parts.parts.push_back({&work, {}});
    return KeyFields(parts);
  };
  std::string out;
  for (const KeyChange& change : KeyChanges(fields(before), fields(after))) {
    out += change.text + "; ";
  }
  return out;
}

// Two long texts that begin alike must not look alike.
TEST(KeyChanges, ShowWhereLongTextsDiffer) {
  const std::string begin = "echo a long command with many words in it for ";
  const std::string end = " and as many more words that come after all that";
  const CommandWork before{{begin + "hello" + end}, true, {}, {}, {}, {}};
  const CommandWork after{{begin + "world" + end}, true, {}, {}, {}, {}};
  EXPECT_EQ(ChangeOfCommand(before, after),
            "run \"...s in it for hello and as many more w...\" -> "
            "\"...s in it for world and as many more w...\"; ");
  const CommandWork brief{{"true"}, true, {}, {}, {}, {}};
  EXPECT_EQ(ChangeOfCommand(brief, after),
            "run \"true\" -> \"echo a long command with many words...\"; ");
  const CommandWork accents{{std::string(60, 'a') + "\xc3\xa9\xc3\xa9x"}, true, {}, {}, {}, {}};
  const CommandWork others{{std::string(60, 'a') + "\xc3\xa9\xc3\xa8\ny"}, true, {}, {}, {}, {}};
  EXPECT_EQ(ChangeOfCommand(accents, others),
            "run \"...aaaaaaaaa\xc3\xa9\xc3\xa9x\" -> \"...aaaaaaaaa\xc3\xa9\xc3\xa8\\ny\"; ");
}

TEST(KeyChanges, NameTheWordsOfACommandAsTheyAreWritten) {
  const CommandWork list{{"cp", "a", "b"}, false, {}, {}, {}, {}};
  const CommandWork other{{"cp", "a", "c"}, false, {}, {}, {}, {}};
  EXPECT_EQ(ChangeOfCommand(list, other), "run.2 \"b\" -> \"c\"; ");
}

std::string Texts(std::string_view before, std::string_view after,
                  const std::vector<std::string>& members = {}) {
  std::string out;
  for (const KeyChange& change : KeyChanges(before, after, members)) out += change.text + "; ";
  return out;
}

// The command calls its code by name: order in the list means nothing, names mean everything.
TEST(KeyChanges, NameTheCodeThatWasAddedRemovedOrChanged) {
  const auto fields = [](const std::map<std::string, Digest>& code) {
    const Work work = CommandWork{{"x"}, true, {}, {}, {}, {}};
    KeyParts parts;
    parts.parts.push_back({&work, {}, code});
    return WithSeenFiles(KeyFields(parts), parts);
  };
  const std::string before = fields({{"lib/a.py", Of("1")}});
  EXPECT_EQ(Texts(before, fields({{"lib/a.py", Of("2")}})), "file lib/a.py changed; ");
  EXPECT_EQ(Texts(before, fields({{"lib/b.py", Of("1")}})),
            "file lib/a.py removed from code; file lib/b.py added to code; ");
  EXPECT_EQ(Texts(before, fields({})), "file lib/a.py removed from code; ");
  EXPECT_EQ(Texts(fields({}), before), "file lib/a.py added to code; ");
  EXPECT_EQ(KeyChanges(before, fields({}))[0].name, "lib/a.py");
}

// Fields of a step that reads `files`, of which the content counts and the names do not.
std::string FieldsOfLoad(const std::string& pattern, const std::map<std::string, Digest>& files,
                         bool chain = false) {
  Fingerprint all;
  for (const auto& [name, digest] : files) all.Add("file", digest);
  const Work work = NativeWork{"load.csv", 1, {{"path", pattern}}};
  KeyParts parts;
  if (chain) parts.parts.push_back({&work});
  parts.parts.push_back({&work, {{"path", all.Finish()}}, {}, {{"path", {pattern, files}}}});
  return WithSeenFiles(KeyFields(parts), parts);
}

TEST(KeyChanges, NameTheFilesOfAPatternThatWereChangedAddedAndRemoved) {
  const std::string before = FieldsOfLoad("d*.csv", {{"d1.csv", Of("1")}, {"d2.csv", Of("2")}});
  const auto after = [&](const std::map<std::string, Digest>& files) {
    return Texts(before, FieldsOfLoad("d*.csv", files));
  };
  EXPECT_EQ(after({{"d1.csv", Of("1")}, {"d2.csv", Of("3")}}), "file d2.csv changed; ");
  EXPECT_EQ(after({{"d1.csv", Of("1")}, {"d2.csv", Of("2")}, {"d3.csv", Of("3")}}),
            "file d3.csv added; ");
  EXPECT_EQ(after({{"d2.csv", Of("2")}}), "file d1.csv removed; ");
}

TEST(KeyChanges, TellAnotherPathFromAnotherContent) {
  const std::string before = FieldsOfLoad("v1/d.csv", {{"v1/d.csv", Of("1")}});
  EXPECT_EQ(Texts(before, FieldsOfLoad("v2/d.csv", {{"v2/d.csv", Of("2")}})),
            "params.path \"v1/d.csv\" -> \"v2/d.csv\"; ");
  EXPECT_EQ(Texts(FieldsOfLoad("a", {{"a", Of("1")}}, true),
                  FieldsOfLoad("b", {{"b", Of("2")}}, true), {"load", "again"}),
            "load.params.path \"a\" -> \"b\"; again.params.path \"a\" -> \"b\"; ");
}

TEST(KeyChanges, AreOneForKeysOfAnotherVersion) {
  std::string before = FieldsOfLoad("a", {{"a", Of("1")}});
  const std::string after = before;
  before.replace(before.find("\"format\":2"), 10, "\"format\":1");
  EXPECT_EQ(Texts(before, after),
            "its last result is of another version of dml (key format 1 -> 2); ");
}

// Names are for people: they must not decide.
TEST(KeyFields, DoNotCountTheNamesOfFilesThatAreRead) {
  const Work work = NativeWork{"load.csv", 1, {{"path", "x"}}};
  KeyParts parts;
  parts.parts.push_back({&work, {{"path", Of("1")}}, {}, {{"path", {"x", {{"x", Of("1")}}}}}});
  const std::string here = KeyFields(parts);
  parts.parts.front().seen = {{"path", {"y", {{"y", Of("1")}}}}};
  EXPECT_EQ(KeyFields(parts), here);
  EXPECT_TRUE(KeyChanges(WithSeenFiles(here, parts), here).empty());
  EXPECT_EQ(ParseKeyFields(WithSeenFiles(here, parts))["work"], ParseKeyFields(here)["work"]);
}

}  // namespace
}  // namespace dml::core
