// What README.md, docs/ and the pages of the examples show: every YAML snippet is valid, every
// command exists and has the options that are written, and every link leads somewhere.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

using Documents = EndToEnd;

const std::string kTree = DML_SOURCE_DIR;

struct Page {
  std::string name;  // "docs/language.md"
  std::string text;
};

struct Snippet {
  std::string where;  // "docs/language.md:12"
  std::string language;
  std::string text;
};

std::string TextOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Page> Pages() {
  std::vector<Page> pages{{"README.md", TextOf(kTree + "/README.md")}};
  for (const auto& entry : fs::directory_iterator(kTree + "/docs")) {
    if (entry.path().extension() != ".md") continue;
    pages.push_back({"docs/" + entry.path().filename().string(), TextOf(entry.path())});
  }
  for (const auto& entry : fs::directory_iterator(kTree + "/examples")) {
    const fs::path page = entry.path() / "README.md";
    if (!fs::exists(page)) continue;
    pages.push_back({"examples/" + entry.path().filename().string() + "/README.md", TextOf(page)});
  }
  return pages;
}

// Without the indentation that all of its lines share.
std::string MovedLeft(const std::string& text) {
  std::size_t least = std::string::npos;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent != std::string::npos) least = std::min(least, indent);
  }
  std::string out;
  std::istringstream again(text);
  while (std::getline(again, line)) {
    out += (line.size() > least ? line.substr(least) : "") + "\n";
  }
  return out;
}

std::string MovedRight(const std::string& text, std::size_t by) {
  std::string out;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) out += std::string(by, ' ') + line + "\n";
  return out;
}

std::vector<Snippet> SnippetsOf(const Page& page) {
  std::vector<Snippet> out;
  std::istringstream lines(page.text);
  std::string line;
  bool inside = false;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!line.starts_with("```")) {
      if (inside) out.back().text += line + "\n";
    } else if (inside = !inside; inside) {
      out.push_back({page.name + ":" + std::to_string(number), line.substr(3), ""});
    }
  }
  return out;
}

// A part of a pipeline becomes the whole of one, by its first key. Lines that all begin with that
// key are one example each.
std::vector<std::string> PipelinesOf(const std::string& snippet) {
  const std::string text = MovedLeft(snippet);
  if (std::regex_search(text, std::regex("(^|\n)steps:"))) return {text};
  const std::string key = text.substr(0, text.find(':') + 1);
  const std::string command = "steps:\n  - id: command\n    run: echo\n";
  if (text.starts_with("- ")) return {"steps:\n" + MovedRight(text, 2)};
  if (key == "matrix:") return {command + MovedRight(text, 4)};
  if (key == "preprocess:") {
    return {"steps:\n  - id: m\n    uses: train.kmeans\n    input: a\n    with:\n" +
            MovedRight(text, 6)};
  }
  if (key != "input:" && key != "if:") return {text + command};
  std::vector<std::string> out;
  std::istringstream lines(text);
  std::string line;
  const std::string head = key == "if:" ? command : "steps:\n  - id: s\n    uses: predict\n";
  while (std::getline(lines, line)) out.push_back(head + "    " + line + "\n");
  return out;
}

// What a part need not have: the steps, parameters and files that the rest would bring.
bool ComesWithTheRest(const std::string& message) {
  return std::regex_search(message,
                           std::regex("there is no step '|undefined (parameter|reference)|"
                                      "^input 'model' takes one|^step type 'predict' (needs|"
                                      "has no input)|cannot open '"));
}

TEST_F(Documents, EveryPipelineIsValid) {
  std::size_t checked = 0;
  StartOptions environment;
  environment.env = {"HOOK_TOKEN=secret"};
  Write("prepare.yaml", "params: {seed: 1}\nsteps:\n  - {id: a, run: echo}\n");
  for (const Page& page : Pages()) {
    for (const Snippet& snippet : SnippetsOf(page)) {
      if (snippet.language != "yaml" || snippet.text.find("hosts:") != std::string::npos) continue;
      const bool whole = snippet.text.find("\nsteps:") != std::string::npos;
      for (const std::string& pipeline : PipelinesOf(snippet.text)) {
        Write("p.yaml", pipeline);
        const Json said = Json::parse(Run({"validate", "p.yaml", "-o", "json"}, environment).out);
        for (const Json& problem : said["diagnostics"]) {
          const auto message = problem["message"].get<std::string>();
          if (!whole && ComesWithTheRest(message)) continue;
          ADD_FAILURE() << snippet.where << ": " << message << "\n" << pipeline;
        }
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 15U);
}

TEST_F(Documents, EveryInventoryIsValid) {
  std::size_t checked = 0;
  Write("p.yaml", "steps:\n  - {id: a, run: echo}\n");
  for (const Page& page : Pages()) {
    for (const Snippet& snippet : SnippetsOf(page)) {
      if (snippet.language != "yaml" || snippet.text.find("hosts:") == std::string::npos) continue;
      Write("cluster.yaml", snippet.text);
      const Finished plan = Run({"plan", "p.yaml", "--cluster", "cluster.yaml"});
      EXPECT_EQ(plan.code, 0) << snippet.where << "\n" << plan.err;
      ++checked;
    }
  }
  EXPECT_GT(checked, 0U);
}

// The commands of a page: lines of code, indented or fenced, and what stands between backticks.
std::vector<std::string> CommandsOf(const Page& page) {
  std::string code = page.text;
  for (const Snippet& snippet : SnippetsOf(page)) code += "\n" + MovedRight(snippet.text, 4);
  std::vector<std::string> out;
  const std::regex command("\n    (dml [^\n]*)|`(dml [^`]*)`");
  for (std::sregex_iterator at(code.begin(), code.end(), command), end; at != end; ++at) {
    out.push_back((*at)[(*at)[1].matched ? 1 : 2].str());
  }
  return out;
}

std::vector<std::string> WordsOf(const std::string& command) {
  std::vector<std::string> out;
  // A comment, or what stands behind two spaces, is said about it.
  const std::string bare = command.substr(0, std::min(command.find(" #"), command.find("   ")));
  std::istringstream words(std::regex_replace(bare, std::regex("[\\[\\](),;|'\"]|\n"), " "));
  for (std::string word; words >> word;) out.push_back(word);
  return out;
}

TEST_F(Documents, EveryCommandExistsWithItsOptions) {
  std::map<std::vector<std::string>, std::string> helps;
  const auto help = [&](const std::vector<std::string>& command) -> const std::string& {
    const auto [found, fresh] = helps.try_emplace(command);
    if (fresh) {
      std::vector<std::string> args = command;
      args.emplace_back("--help");
      const Finished page = Run(args);
      found->second = page.code == 0 ? page.out : "";
    }
    return found->second;
  };
  std::size_t checked = 0;
  for (const Page& page : Pages()) {
    for (const std::string& command : CommandsOf(page)) {
      const std::vector<std::string> words = WordsOf(command);
      if (words.size() < 2 || !std::regex_match(words[1], std::regex("[a-z]+"))) continue;
      std::vector<std::string> path{words[1]};
      const std::string& first = help(path);
      if (words[1] == "worker") continue;  // not for people: it has no page
      EXPECT_FALSE(first.empty()) << page.name << ": " << command;
      const bool group = first.find(" COMMAND [arguments]") != std::string::npos;
      if (group && words.size() > 2 && std::regex_match(words[2], std::regex("[a-z]+"))) {
        path.push_back(words[2]);
      }
      const std::string& options = help(path);
      EXPECT_FALSE(options.empty()) << page.name << ": " << command;
      for (const std::string& word : words) {
        if (!std::regex_match(word, std::regex("--?[a-zA-Z][a-z-]*"))) continue;
        const std::regex there("[ ]" + word + "[ ,\n]");
        const bool known =
            std::regex_search(options, there) || (word.size() == 3 && word[1] != '-');  // -j8
        EXPECT_TRUE(known || (group && path.size() == 1))
            << page.name << ": " << command << " has no " << word;
      }
      ++checked;
    }
  }
  EXPECT_GT(checked, 100U);
}

// As GitHub names the headings of a page.
std::set<std::string> AnchorsOf(const std::string& text) {
  std::set<std::string> out;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with("#")) continue;
    std::string anchor;
    for (const char c : line.substr(line.find_first_not_of("# "))) {
      const auto byte = static_cast<unsigned char>(c);
      if (std::isalnum(byte) != 0 || c == '-' || c == '_') {
        anchor += static_cast<char>(std::tolower(byte));
      } else if (c == ' ') {
        anchor += '-';
      }
    }
    out.insert(anchor);
  }
  return out;
}

TEST_F(Documents, EveryLinkLeadsSomewhere) {
  const std::regex link("\\]\\(([^)#: ]*)(?:#([^) ]*))?\\)");
  for (const Page& page : Pages()) {
    for (std::sregex_iterator at(page.text.begin(), page.text.end(), link), end; at != end; ++at) {
      const std::string target = (*at)[1].str();
      const fs::path folder = fs::path(kTree + "/" + page.name).parent_path();
      const fs::path file = target.empty() ? fs::path(kTree + "/" + page.name) : folder / target;
      EXPECT_TRUE(fs::exists(file)) << page.name << ": " << at->str();
      const std::string anchor = (*at)[2].str();
      if (anchor.empty() || !fs::is_regular_file(file)) continue;
      EXPECT_TRUE(AnchorsOf(TextOf(file)).contains(anchor)) << page.name << ": " << at->str();
    }
  }
}

}  // namespace
}  // namespace dml::e2e
