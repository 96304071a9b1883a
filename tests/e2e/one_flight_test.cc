// Goal: two runs at once that need the same result make it once, in one home or in two that share a
// store; whoever waits for it can be stopped, and takes over when the other is gone.

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class OneFlight : public EndToEnd {
 protected:
  OneFlight() {
    // Two files, one key: names, ids and places are no part of it.
    for (const char* name : {"p", "q"}) {
      Write(std::string(name) + ".yaml",
            "name: " + std::string(name) + "\nsteps:\n  - id: make_" + name +
                "\n    outputs: {text: text}\n    run: 'echo x >> " + Path("trace") +
                "; while ! test -e " + Path("go") + "; do sleep 0.02; done; echo done > text'\n");
    }
  }
  [[nodiscard]] StartOptions Shared() const {
    StartOptions options;
    options.env = {"DML_CACHE=" + Path("cache")};
    return options;
  }
  Program StartFirst() {
    Program run = Start({"run", "p.yaml", "--home", Path("one")}, Shared());
    WaitUntil([&] { return Exists("trace"); }, "the first run is at work");
    return run;
  }
  // Of a run that waits for the result of another.
  void WaitUntilReady(const std::string& home) {
    const auto ready = [&] {
      const Finished status = Run({"status", "--all", "-o", "json", "--home", home}, Shared());
      if (status.code != 0) return false;
      const Json json = Json::parse(status.out, nullptr, false);
      return json.is_object() && json["tasks"][0]["state"] == "ready" &&
             json["tasks"][0]["reason"] == "waits for an equal task of another run";
    };
    WaitUntil(ready, "the second run waits");
  }
};

TEST_F(OneFlight, TwoHomesThatShareAStoreDoTheWorkOnce) {
  Program first = StartFirst();
  Program second = Start({"run", "q.yaml", "--home", Path("two")}, Shared());
  WaitUntilReady(Path("two"));
  Write("go", "");
  EXPECT_EQ(first.Wait().code, 0);
  const Finished reused = second.Wait();
  EXPECT_EQ(reused.code, 0) << reused.err;
  EXPECT_NE(reused.err.find("1 reused"), std::string::npos) << reused.err;
  EXPECT_EQ(Read("trace"), "x\n");
}

TEST_F(OneFlight, TwoPipelinesOfOneHomeDoTheWorkOnce) {
  Program first = StartFirst();
  Program second = Start({"run", "q.yaml", "--home", Path("one")}, Shared());
  WaitUntilReady(Path("one"));
  Write("go", "");
  EXPECT_EQ(first.Wait().code, 0);
  EXPECT_EQ(second.Wait().code, 0);
  EXPECT_EQ(Read("trace"), "x\n");
}

TEST_F(OneFlight, WhoWaitsIsStoppedAtOnce) {
  Program first = StartFirst();
  Program second = Start({"run", "q.yaml", "--home", Path("two")}, Shared());
  WaitUntilReady(Path("two"));
  const auto start = std::chrono::steady_clock::now();
  second.Signal(SIGINT);
  EXPECT_EQ(second.Wait().code, 130);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  Write("go", "");
  EXPECT_EQ(first.Wait().code, 0);
}

TEST_F(OneFlight, TheDeathOfTheOneIsTheTurnOfTheOther) {
  Program first = StartFirst();
  Program second = Start({"run", "q.yaml", "--home", Path("two")}, Shared());
  WaitUntilReady(Path("two"));
  first.Signal(SIGKILL);
  EXPECT_EQ(first.Wait().code, 128 + SIGKILL);
  WaitUntil([&] { return Read("trace") == "x\nx\n"; }, "the second run does the work");
  Write("go", "");
  EXPECT_EQ(second.Wait().code, 0);
  const Finished resumed = Run({"resume", "--home", Path("one")}, Shared());
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("trace"), "x\nx\n") << "and the first one finds it";
}

}  // namespace
}  // namespace dml::e2e
