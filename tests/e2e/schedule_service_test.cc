// Goal: what install writes is shown first, and uninstall removes exactly that; hooks see the run.
// Method: a home folder and a PATH of the test's own, with systemctl, crontab and curl that note
// how they were called.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

class Services : public EndToEnd {
 protected:
  Services() {
    Tool("systemctl", "echo \"$@\" >> " + Path("systemctl.log"));
    Crontab("if [ -e " + Path("table") + " ]; then cat " + Path("table") +
            "; else echo no crontab for me >&2; exit 1; fi");
    Tool("curl", "echo \"$@\" > " + Path("curl.args") + "; cat > " + Path("curl.stdin"));
  }
  void Tool(const std::string& name, const std::string& script) const {
    Write("bin/" + name, "#!/bin/sh\n" + script + "\n");
    fs::permissions(Path("bin/" + name), fs::perms::owner_all);
  }
  // A crontab program whose -l does this.
  void Crontab(const std::string& list) const {
    Tool("crontab", "if [ \"$1\" = -l ]; then " + list + "; else cat > " + Path("table") + "; fi");
  }
  [[nodiscard]] StartOptions WithTools() const {
    StartOptions options;
    options.env = {"PATH=" + Path("bin") + ":/usr/bin:/bin"};
    return options;
  }
  [[nodiscard]] std::string Unit() const {
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(Path(".config"), none)) {
      if (entry.is_regular_file()) return entry.path().string();
    }
    return {};
  }
};

TEST_F(Services, AUnitIsShownThenWrittenThenRemoved) {
  const Finished shown = Run({"schedule", "install"}, WithTools());
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("KillMode=process"), std::string::npos) << shown.out;
  EXPECT_FALSE(Exists(".config")) << "nothing is written without a yes";
  EXPECT_FALSE(Exists("systemctl.log"));

  const Finished installed = Run({"schedule", "install", "--yes"}, WithTools());
  EXPECT_EQ(installed.code, 0) << installed.err;
  const std::string unit = Unit();
  ASSERT_TRUE(unit.ends_with(".service"));
  EXPECT_NE(Read("systemctl.log").find("--user enable --now dml-schedule-"), std::string::npos);
  Write(".config/systemd/user/other.service", "[Unit]\n");

  const Finished removed = Run({"schedule", "uninstall", "--yes"}, WithTools());
  EXPECT_EQ(removed.code, 0) << removed.err;
  EXPECT_FALSE(fs::exists(unit));
  EXPECT_TRUE(Exists(".config/systemd/user/other.service"));
  EXPECT_NE(Read("systemctl.log").find("--user disable --now dml-schedule-"), std::string::npos);
  EXPECT_EQ(Run({"schedule", "uninstall", "--yes"}, WithTools()).code, 2) << "nothing is left";
}

// What two homes install is one folder's business: the last to go takes it along.
TEST_F(Services, FoldersThatWereMadeForAUnitGoWithTheLastOne) {
  Tool("systemctl", "mkdir -p " + Path(".config/systemd/user/default.target.wants"));
  fs::create_directories(Path(".config"));
  for (const char* home : {"one", "two"}) {
    ASSERT_EQ(Run({"schedule", "install", "--yes", "--home", home}, WithTools()).code, 0);
  }
  ASSERT_EQ(Run({"schedule", "uninstall", "--yes", "--home", "one"}, WithTools()).code, 0);
  EXPECT_TRUE(Exists(".config/systemd/user"));
  Tool("systemctl", "true");
  ASSERT_EQ(Run({"schedule", "uninstall", "--yes", "--home", "two"}, WithTools()).code, 0);
  EXPECT_FALSE(Exists(".config/systemd"));
  EXPECT_TRUE(Exists(".config")) << "it had been there before";
  EXPECT_FALSE(Exists("two")) << "nothing has ever been scheduled there";
}

TEST_F(Services, FoldersThatWereThereStay) {
  fs::create_directories(Path(".config/systemd/user"));
  ASSERT_EQ(Run({"schedule", "install", "--yes"}, WithTools()).code, 0);
  ASSERT_EQ(Run({"schedule", "uninstall", "--yes"}, WithTools()).code, 0);
  EXPECT_TRUE(Exists(".config/systemd/user"));
}

TEST_F(Services, AHomeThatWasMadeForALineOfTheCrontabGoesWithIt) {
  ASSERT_EQ(Run({"schedule", "install", "--cron", "--yes"}, WithTools()).code, 0);
  EXPECT_TRUE(Exists(".dml/schedule")) << "the daemon says there what goes wrong";
  Tool("systemctl", "exit 1");
  ASSERT_EQ(Run({"schedule", "uninstall", "--yes"}, WithTools()).code, 0);
  EXPECT_FALSE(Exists(".dml"));
  Crontab("echo you may not use this program >&2; exit 1");
  EXPECT_EQ(Run({"schedule", "install", "--cron", "--yes"}, WithTools()).code, 3);
  EXPECT_FALSE(Exists(".dml"));
}

// Nor does a folder stay that was made for it, and a home folder that is none is refused.
TEST_F(Services, WhatIsNotInstalledLeavesNoFolders) {
  Tool("systemctl", "exit 1");
  StartOptions nowhere = WithTools();
  nowhere.env.push_back("HOME=" + Path("some/where"));
  EXPECT_EQ(Run({"schedule", "install", "--systemd", "--yes"}, nowhere).code, 3);
  EXPECT_FALSE(Exists("some"));
  nowhere.env.back() = "HOME=some/where";
  const Finished relative = Run({"schedule", "install", "--systemd", "--yes"}, nowhere);
  EXPECT_EQ(relative.code, 2) << relative.err;
  EXPECT_NE(relative.err.find("HOME is not an absolute path"), std::string::npos) << relative.err;
  EXPECT_FALSE(Exists("some"));
}

// What is not there is as much the machine's failure as what does not work.
TEST_F(Services, AToolThatIsNotThereIsNamedWithTheRemedy) {
  fs::remove(Path("bin/crontab"));
  fs::remove(Path("bin/systemctl"));
  StartOptions bare;
  bare.env = {"PATH=" + Path("bin")};
  const Finished cron = Run({"schedule", "install", "--cron", "--yes"}, bare);
  EXPECT_EQ(cron.code, 3) << cron.err;
  EXPECT_NE(cron.err.find("cannot start 'crontab': No such file or directory"), std::string::npos)
      << cron.err;
  EXPECT_NE(cron.err.find("install cron, which has it, or use systemd"), std::string::npos)
      << cron.err;
  EXPECT_FALSE(Exists(".dml"));
  const Finished systemd = Run({"schedule", "install", "--systemd", "--yes"}, bare);
  EXPECT_EQ(systemd.code, 3) << systemd.err;
  EXPECT_NE(systemd.err.find("`dml schedule install --cron`"), std::string::npos) << systemd.err;
  const Finished neither = Run({"schedule", "install", "--yes"}, bare);
  EXPECT_EQ(neither.code, 3) << neither.err;
  EXPECT_NE(neither.err.find("neither systemctl nor crontab is in PATH"), std::string::npos)
      << neither.err;
}

// As where nobody has logged in: there is no bus of the user.
TEST_F(Services, WhatSystemdDoesNotStartIsNotInstalled) {
  Tool("systemctl", "echo Failed to connect to bus: No medium found >&2; exit 1");
  const Finished failed = Run({"schedule", "install", "--yes"}, WithTools());
  EXPECT_EQ(failed.code, 3) << failed.err;
  EXPECT_NE(failed.err.find("Failed to connect to bus"), std::string::npos) << failed.err;
  EXPECT_NE(failed.err.find("`dml schedule install --cron`"), std::string::npos) << failed.err;
  EXPECT_EQ(Unit(), "");
}

TEST_F(Services, ALineOfTheCrontabComesAndGoesAndTheOthersStay) {
  const std::string others = "MAILTO=me\n# 5 * * * * dml schedule of nobody\n0 1 * * * true # x";
  Write("table", others);
  EXPECT_EQ(Run({"schedule", "install", "--cron", "--yes"}, WithTools()).code, 0);
  EXPECT_EQ(Run({"schedule", "install", "--cron", "--yes"}, WithTools()).code, 0);
  const std::string table = Read("table");
  EXPECT_TRUE(table.starts_with(others + "\n* * * * * PATH=")) << table;
  EXPECT_EQ(table.find("schedule daemon"), table.rfind("schedule daemon")) << "one line";
  Tool("systemctl", "exit 1");
  EXPECT_EQ(Run({"schedule", "uninstall", "--yes"}, WithTools()).code, 0);
  EXPECT_EQ(Read("table"), others + "\n");
}

TEST_F(Services, AUnitAndALineGoTogether) {
  Write("table", "0 1 * * * true\n");
  ASSERT_EQ(Run({"schedule", "install", "--cron", "--yes"}, WithTools()).code, 0);
  ASSERT_EQ(Run({"schedule", "install", "--systemd", "--yes"}, WithTools()).code, 0);
  const Finished shown = Run({"schedule", "uninstall"}, WithTools());
  EXPECT_NE(shown.out.find("ExecStart="), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("* * * * * PATH="), std::string::npos) << shown.out;
  EXPECT_NE(Unit(), "");
  const Finished removed = Run({"schedule", "uninstall", "--yes"}, WithTools());
  EXPECT_EQ(removed.code, 0) << removed.err;
  EXPECT_EQ(Unit(), "");
  EXPECT_EQ(Read("table"), "0 1 * * * true\n");
}

TEST_F(Services, ACrontabThatCannotBeReadWholeIsNotReplaced) {
  const std::string others = "0 1 * * * true\n";
  Write("table", others);
  const std::string cat = "cat " + Path("table");
  Crontab("echo you may not use this program >&2; exit 1");
  Finished refused = Run({"schedule", "install", "--cron", "--yes"}, WithTools());
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_NE(refused.err.find("you may not use this program"), std::string::npos) << refused.err;
  Crontab(cat + "; kill -9 $$");
  EXPECT_EQ(Run({"schedule", "install", "--cron", "--yes"}, WithTools()).code, 3);
  EXPECT_EQ(Read("table"), others);

  std::string large;
  while (large.size() < 100'000) large += others;
  Write("table", large);
  Crontab(cat);
  refused = Run({"schedule", "install", "--cron", "--yes"}, WithTools());
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_NE(refused.err.find("too long"), std::string::npos) << refused.err;
  EXPECT_EQ(Read("table"), large);

  Write("table", others);
  Crontab("echo a warning >&2; " + cat);
  EXPECT_EQ(Run({"schedule", "install", "--cron", "--yes"}, WithTools()).code, 0);
  EXPECT_TRUE(Read("table").starts_with(others + "* * * * * PATH=")) << Read("table");
}

TEST_F(Services, AForeignUnitIsLeftAlone) {
  EXPECT_EQ(Run({"schedule", "install", "--yes"}, WithTools()).code, 0);
  const std::string unit = Unit();
  Write(fs::relative(unit, Path(".")).string(), "[Unit]\nDescription=mine\n");
  EXPECT_EQ(Run({"schedule", "install", "--yes"}, WithTools()).code, 2);
  EXPECT_EQ(Run({"schedule", "uninstall", "--yes"}, WithTools()).code, 2);
  EXPECT_TRUE(fs::exists(unit));
}

TEST_F(Services, HooksGetTheRunAndDoNotChangeIt) {
  Write("p.yaml",
        "name: n\non:\n"
        "  success: [{run: 'cat > ok.json; echo $DML_EVENT $DML_RUN > ok.env; echo ${env.TOKEN} > "
        "ok.token'}]\n"
        "  failure: {run: [sh, -c, 'cat > bad.json']}\n"
        "  finish:\n    - {run: 'exit 3'}\n    - {run: [no-such-program-here]}\n"
        "    - {run: 'cat > end.json'}\n"
        "steps:\n  - {id: a, run: 'test -e " +
            Path("go") + "'}\n");
  StartOptions options;
  options.env = {"TOKEN=s3cret"};
  const Finished failed = Run({"run", "p.yaml"}, options);
  EXPECT_EQ(failed.code, 1) << "hooks do not change the exit code";
  EXPECT_NE(failed.err.find("the hook of on.finish failed: exit code 3"), std::string::npos);
  EXPECT_NE(failed.err.find("cannot start 'no-such-program-here'"), std::string::npos);
  EXPECT_EQ(Json::parse(Read("bad.json")).at("outcome"), "failed");
  EXPECT_EQ(Json::parse(Read("end.json")).at("event"), "finish");
  EXPECT_FALSE(Exists("ok.json"));
  Write("go", "");
  EXPECT_EQ(Run({"run", "p.yaml"}, options).code, 0);
  const Json run = Json::parse(Read("ok.json"));
  EXPECT_EQ(run.at("event"), "success");
  EXPECT_EQ(run.at("tasks")[0].at("state"), "succeeded");
  EXPECT_EQ(Read("ok.env"), "success r2\n");
  EXPECT_EQ(Read("ok.token"), "s3cret\n");
}

TEST_F(Services, AHookThatHangsIsKilledWithItsChildren) {
  Write("p.yaml",
        "name: n\non: {finish: {run: 'echo $$ > pid; trap \"\" TERM; sleep 600', timeout: "
        "2s}}\nsteps:\n  - {id: a, run: 'true'}\n");
  const auto start = std::chrono::steady_clock::now();
  const Finished finished = Run({"run", "p.yaml"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_NE(finished.err.find("killed after its timeout of 2.0s"), std::string::npos)
      << finished.err;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  EXPECT_NE(::kill(std::stoi(Read("pid")), 0), 0);
}

TEST_F(Services, AWebhookOverTlsIsCurls) {
  Write("p.yaml",
        "name: n\non: {success: {webhook: 'https://example.org/${env.TOKEN}', headers: {X-A: "
        "'a \"b\"'}}}\nsteps:\n  - {id: a, run: 'true'}\n");
  StartOptions options = WithTools();
  options.env.emplace_back("TOKEN=s3cret");
  const Finished finished = Run({"run", "p.yaml"}, options);
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(Read("curl.args"), "--config -\n") << "no secret on a command line";
  const std::string config = Read("curl.stdin");
  EXPECT_NE(config.find("url = \"https://example.org/s3cret\"\n"), std::string::npos) << config;
  EXPECT_NE(config.find("header = \"X-A: a \\\"b\\\"\"\n"), std::string::npos) << config;
  EXPECT_NE(config.find("data-binary = \"{"), std::string::npos) << config;
}

// A server that takes one request and answers with `status`.
class OneRequest {
 public:
  explicit OneRequest(const std::string& status) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, status] { Serve(status); });
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/hook?a=1";
  }
  [[nodiscard]] std::string Request() {
    thread_.join();
    ::close(fd_);
    return request_;
  }

 private:
  void Serve(const std::string& status) {
    const int peer = ::accept(fd_, nullptr, nullptr);
    char buffer[65536];
    while (request_.find("\"event\"") == std::string::npos || !request_.ends_with('}')) {
      const ssize_t got = ::read(peer, buffer, sizeof buffer);
      if (got <= 0) break;
      request_.append(buffer, static_cast<std::size_t>(got));
    }
    const std::string answer = "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n";
    EXPECT_EQ(::write(peer, answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
    ::close(peer);
  }
  int fd_ = -1;
  int port_ = 0;
  std::string request_;
  std::jthread thread_;
};

TEST_F(Services, AWebhookIsPosted) {
  for (const char* status : {"204 No Content", "500 Oops"}) {
    OneRequest server(status);
    Write("p.yaml", "name: n\non: {success: {webhook: '" + server.url() +
                        "', headers: {X-Token: abc, X-Bytes: '${env.BYTES}'}}}\nsteps:\n"
                        "  - {id: a, run: 'true'}\n");
    StartOptions options;
    options.env.emplace_back("BYTES=a\xff");  // no text of JSON
    const Finished finished = Run({"run", "p.yaml"}, options);
    EXPECT_EQ(finished.code, 0);
    const std::string request = server.Request();
    EXPECT_TRUE(request.starts_with("POST /hook?a=1 HTTP/1.1\r\n")) << request;
    EXPECT_NE(request.find("X-Token: abc\r\n"), std::string::npos) << request;
    EXPECT_NE(request.find("X-Bytes: a\xff\r\n"), std::string::npos) << request;
    EXPECT_NE(request.find("\"outcome\":\"succeeded\""), std::string::npos) << request;
    const bool warned = finished.err.find("the server answered 500") != std::string::npos;
    EXPECT_EQ(warned, status[0] == '5') << finished.err;
    const std::string place = server.url().substr(0, server.url().find('?'));
    const std::string told =
        "the webhook " + place + "?... of on.success failed: the server " + "answered 500 Oops\n";
    EXPECT_EQ(finished.err.find(told) != std::string::npos, warned) << finished.err;
  }
}

// Takes calls, and answers none.
class Silence {
 public:
  Silence() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    place_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~Silence() { Close(); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  // From now on calls are refused.
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] const std::string& place() const { return place_; }

 private:
  int fd_;
  std::string place_;
};

TEST_F(Services, AWebhookThatFailsIsNamedWithTheReasonAndWithoutItsSecrets) {
  Write("word", "hidden");
  Silence silent;
  Silence refusing;
  refusing.Close();
  Tool("curl",
       "cat > " + Path("curl.stdin") +
           "; echo 'curl: (22) The requested URL returned error: 503 for s3cret' >&2; exit 22");
  Write("p.yaml", "name: n\non:\n  success:\n    - webhook: '" + refusing.place() +
                      "/${env.TOKEN}/done?key=hidden'\n    - {webhook: '" + silent.place() +
                      "/done', timeout: 300ms}\n  finish:\n    - webhook: "
                      "'https://me:hidden@example.org/${env.TOKEN}#hidden'\n    - webhook: "
                      "'https://${env.TOKEN}:${file:" +
                      Path("word") +
                      "}@example.org/${env.TOKEN}'\n"
                      "steps:\n  - {id: a, run: 'true'}\n");
  StartOptions options = WithTools();
  options.env.emplace_back("TOKEN=s3cret");
  const Finished finished = Run({"run", "p.yaml"}, options);
  EXPECT_EQ(finished.code, 0);
  const auto said = [&](const std::string& text) {
    EXPECT_NE(finished.err.find(text + "\n"), std::string::npos) << text << "\n" << finished.err;
  };
  said("the webhook " + refusing.place() +
       "/${env.TOKEN}/done?... of on.success failed: cannot post: Connection refused");
  said("the webhook " + silent.place() + "/done of on.success failed: no answer within 0.3s");
  said(
      "the webhook https://...@example.org/${env.TOKEN}#... of on.finish failed: The requested URL "
      "returned error: 503 for ***");
  said(
      "the webhook https://...@example.org/${env.TOKEN} of on.finish failed: The requested URL "
      "returned error: 503 for ***");
  EXPECT_EQ(finished.err.find("hidden"), std::string::npos) << finished.err;
  EXPECT_EQ(finished.err.find("s3cret"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace dml::e2e
