// Connections to real servers: who they are, who we are, what they say.

#include "runners/ssh/session.h"

#include <gtest/gtest.h>
#include <netdb.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "runners/ssh/dial.h"
#include "runners/ssh/remote.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::ssh {
namespace {

class SessionTest : public ::testing::Test {
 protected:
  explicit SessionTest(const std::vector<ServerOptions>& servers = std::vector<ServerOptions>(1))
      : servers_(servers) {}

  std::string Open(const Host& host, bool accept = false) {
    ConnectOptions options;
    options.timeout = timeout_;
    if (accept) options.accept_unknown = [](const Host&, const HostKey&) { return true; };
    session_.reset();
    auto opened = SshSession::Open(host, options, reached_);
    if (!opened.ok()) return opened.error().message;
    session_ = std::move(opened).value();
    return "";
  }

  SshdFixture servers_;
  std::unique_ptr<SshSession> session_;
  Stage reached_ = Stage::kReach;
  Duration timeout_ = Duration::Seconds(30);
};

TEST_F(SessionTest, AnUnknownKeyIsRefusedUntilItIsTrusted) {
  EXPECT_NE(Open(servers_.HostOf(0)).find("is not known"), std::string::npos);
  EXPECT_EQ(reached_, Stage::kHostKey);
  EXPECT_EQ(Open(servers_.HostOf(0), /*accept=*/true), "");
  EXPECT_EQ(Open(servers_.HostOf(0)), "");
  EXPECT_EQ(reached_, Stage::kReady);
  EXPECT_EQ(session_->cipher(), "aes128-gcm@openssh.com");
}

TEST_F(SessionTest, AChangedKeyIsRefusedEvenWhenNewOnesAreAccepted) {
  ASSERT_EQ(Open(servers_.HostOf(0), /*accept=*/true), "");
  servers_.server(0).Stop();
  servers_.server(0).NewHostKey();
  servers_.server(0).Start();
  EXPECT_NE(Open(servers_.HostOf(0), /*accept=*/true).find("HAS CHANGED"), std::string::npos);
  EXPECT_EQ(reached_, Stage::kHostKey);
}

TEST_F(SessionTest, APinnedKeyCounts) {
  ASSERT_EQ(Open(servers_.HostOf(0), /*accept=*/true), "");
  Host host = servers_.HostOf(0);
  host.host_key = session_->host_key().fingerprint;
  std::filesystem::remove(servers_.Path("known_hosts"));
  EXPECT_EQ(Open(host), "");
  host.host_key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  EXPECT_NE(Open(host, /*accept=*/true).find("HAS CHANGED"), std::string::npos);
}

TEST_F(SessionTest, ARevokedKeyIsRefusedAlthoughItIsKnown) {
  ASSERT_EQ(Open(servers_.HostOf(0), /*accept=*/true), "");
  const HostKey key = session_->host_key();
  std::ofstream(servers_.Path("known_hosts"), std::ios::app)
      << "@revoked * " << key.type << " " << key.base64 << "\n";
  EXPECT_NE(Open(servers_.HostOf(0)).find("revoked"), std::string::npos);
}

TEST_F(SessionTest, AKeyThatTheServerDoesNotWantIsNamed) {
  ASSERT_EQ(Open(servers_.HostOf(0), /*accept=*/true), "");
  Host host = servers_.HostOf(0);
  host.identity_files = {servers_.Path("n1/host_key")};
  const std::string message = Open(host);
  EXPECT_NE(message.find("accepts no key; tried: " + host.identity_files[0]), std::string::npos)
      << message;
  EXPECT_EQ(reached_, Stage::kAuth);
  host.identity_files = {servers_.Path("nothing")};
  EXPECT_NE(Open(host).find("tried: none, for there is no file " + host.identity_files[0]),
            std::string::npos);
  // As OpenSSH: a key that others can read is not used.
  host.identity_files = {servers_.Path("shown")};
  std::filesystem::copy_file(servers_.Path("key"), host.identity_files[0]);
  std::filesystem::permissions(host.identity_files[0], std::filesystem::perms{0644});
  EXPECT_NE(Open(host).find("shown (not used: its mode is 0644"), std::string::npos);
  std::filesystem::permissions(host.identity_files[0], std::filesystem::perms{0600});
  EXPECT_EQ(Open(host), "");
}

TEST_F(SessionTest, ADeadPortIsNamed) {
  Host host = servers_.HostOf(0);
  servers_.server(0).Stop();
  const std::string message = Open(host);
  EXPECT_NE(message.find("Connection refused"), std::string::npos) << message;
  EXPECT_EQ(reached_, Stage::kReach);
}

class OldServerTest : public SessionTest {
 protected:
  OldServerTest() : SessionTest({{"/bin/sh", "", "KexAlgorithms diffie-hellman-group1-sha1\n"}}) {}
};

// One that shares nothing with us will not do so a moment later; a busy one may have time then.
TEST_F(OldServerTest, IsToldApartFromABusyOne) {
  const SystemClock clock;
  const Instant start = clock.Now();
  const std::string message = Open(servers_.HostOf(0), /*accept=*/true);
  EXPECT_NE(message.find("kex error"), std::string::npos) << message;
  EXPECT_EQ(reached_, Stage::kProtocol);
  EXPECT_LT((clock.Now() - start).seconds(), 10);
}

TEST_F(SessionTest, ACommandGetsItsInputAndTellsItsEnd) {
  ASSERT_EQ(Open(servers_.HostOf(0), /*accept=*/true), "");
  const std::string big(3'000'000, 'x');
  auto output = RunRemote(*session_, "wc -c; exit 7", big, Duration::Seconds(20));
  ASSERT_TRUE(output.ok()) << output.error().message;
  EXPECT_EQ(output->out, "3000000\n");
  EXPECT_EQ(output->code, 7);
  // A second command on the same connection.
  output = RunRemote(*session_, "echo $DML_NODE; echo oh >&2", "", Duration::Seconds(20));
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->out, "n1\n");
  EXPECT_EQ(output->err, "oh\n");
}

TEST(Dial, ANameThatNobodyHasIsNotAskedForAgain) {
  EXPECT_TRUE(IsForGood(EAI_NONAME));
  EXPECT_TRUE(IsForGood(EAI_FAIL));
  EXPECT_FALSE(IsForGood(EAI_AGAIN));
  Host host;
  host.name = "bad";
  host.address = "-x";
  Stage reached = Stage::kReach;
  EXPECT_FALSE(SshSession::Open(host, {}, reached).ok());
  EXPECT_EQ(reached, Stage::kAddress);
}

TEST(HostKeys, NamesAreThoseOfOpenSsh) {
  Host host;
  host.address = "node";
  host.port = 22;
  EXPECT_EQ(KnownHostsName(host), "node");
  host.port = 2222;
  EXPECT_EQ(KnownHostsName(host), "[node]:2222");
}

TEST(PlainWords, KeepShellsOut) {
  for (const char* bad : {"", "-oProxyCommand=x", "a b", "a;b", "a$b", "a/b", "a'b", "a\nb"}) {
    EXPECT_FALSE(IsPlainHost(bad)) << bad;
  }
  EXPECT_TRUE(IsPlainHost("fe80::1%eth0"));
  EXPECT_FALSE(IsPlainPath("../x"));
  EXPECT_FALSE(IsPlainPath("a b"));
  EXPECT_FALSE(IsPlainPath("a'b"));
  EXPECT_TRUE(IsPlainPath("/srv/dml-1.2/x"));
}

}  // namespace
}  // namespace dml::ssh
