#include "runners/ssh/session.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "runners/ssh/session_handles.h"

namespace dml::ssh {

namespace {

// AES-GCM is the fastest where processors have AES instructions, which is everywhere by now.
constexpr char kCiphers[] =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
    "aes256-ctr,aes128-ctr";

// libssh asks its window to grow by what a read asks for: few megabytes limit a long line to
// window / round trip.
constexpr std::uint32_t kWindowBytes = 16U << 20;
constexpr std::size_t kLaneBytes = 1U << 20;
constexpr int kTickMs = 1000;
constexpr int kRestOfPacketMs = 1;
// For a session on a connection whose last session has just ended.
constexpr Duration kSessionPatience = Duration::Seconds(5);
constexpr int kSessionPauseMs = 20;
constexpr Duration kTurnedAwayPause = Duration::Millis(100);
constexpr Duration kTurnedAwayPauseMax = Duration::Millis(800);

int Millis(Duration duration) { return static_cast<int>(duration.ns / 1'000'000); }

// libssh writes to sockets that the other end may have reset; the signal would end the process. It
// is delivered to the thread that writes, so blocking it there is enough.
void BlockBrokenPipeSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void NoteSignal(ssh_session, ssh_channel, const char* signal, int, const char*, const char*,
                void* noted) {
  *static_cast<std::string*>(noted) = signal == nullptr ? "" : signal;
}

bool IsReadable(int fd) {
  pollfd readable{fd, POLLIN, 0};
  return ::poll(&readable, 1, 0) > 0 && (readable.revents & (POLLERR | POLLHUP)) == 0;
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

// What OpenSSH says on its way through jump hosts, and what helps. Its words are stable: scripts
// everywhere look for them.
Error NoConnection(const Host& host, const std::string& why, const std::string& complaint,
                   Stage& reached) {
  const auto says = [&](std::string_view words) {
    return complaint.find(words) != std::string::npos;
  };
  const std::string says_what = complaint.empty() ? "nothing" : complaint;
  if (complaint.empty() && host.jump.empty() && host.proxy_command.empty()) {
    return Error::Environment(
        fmt::format("no SSH connection to {}: {}", Describe(host), why),
        "check that an sshd answers there, and that its MaxStartups is not exhausted");
  }
  if (host.jump.empty()) {
    return Error::Environment(fmt::format("no SSH connection to {}: {}; its ProxyCommand says: {}",
                                          Describe(host), why, says_what),
                              "try the command by hand: `" + host.proxy_command + "`");
  }
  const std::string text =
      fmt::format("no way to {} through '{}'{}; the jump host says: {}", Describe(host), host.jump,
                  complaint.empty() ? ": " + why : "", says_what);
  if (says("IDENTIFICATION HAS CHANGED") || says("REVOKED HOST KEY")) {
    reached = Stage::kHostKey;
    return Error::Environment(text,
                              "only if the jump host was made anew: remove its old key from "
                              "the file that the message names");
  }
  if (says("host key is known for") || says("Host key verification failed")) {
    reached = Stage::kHostKey;
    return Error::Environment(text,
                              "`dml cluster setup` shows the key of the jump host and asks whether "
                              "to trust it");
  }
  if (says("Permission denied")) {
    reached = Stage::kAuth;
    return Error::Environment(text, "OpenSSH logs in there with its own keys: see that `ssh " +
                                        host.jump + "` works without a password");
  }
  return Error::Environment(text, "see that `ssh " + host.jump +
                                      "` works, and that the node "
                                      "answers from there");
}

// Of what libssh says: the two have looked at what each other can do, or the other does not speak
// SSH at all. A server that only has no time just closes.
bool SharesNoLanguage(const std::string& why) {
  return why.starts_with("kex error") || why.find("no match for method") != std::string::npos ||
         why.find("banner") != std::string::npos;
}

Error NoLanguage(const Host& host, const std::string& why) {
  return Error::Environment(
      fmt::format("no SSH connection to {}: {}", Describe(host), why),
      "see that it is an sshd of this century that answers there, and what KexAlgorithms, Ciphers, "
      "MACs and HostKeyAlgorithms in its sshd_config leave");
}

}  // namespace

SshSession::SshSession() : handles_(std::make_unique<Handles>()) {}

SshSession::~SshSession() {
  if (handles_->channel != nullptr) ssh_channel_free(handles_->channel);
  if (handles_->session != nullptr) {
    ssh_disconnect(handles_->session);
    ssh_free(handles_->session);
    line_.Release();  // closed by libssh
  }
}

// A server that has too many logins under way (MaxStartups) closes connections before it says who
// it is: others will be done soon. The factor keeps those that it turned away from coming back
// together.
Result<std::unique_ptr<SshSession>> SshSession::Open(const Host& host,
                                                     const ConnectOptions& options,
                                                     Stage& reached) {
  const SystemClock clock;
  const Instant deadline = clock.Now() + Duration{options.timeout.ns / 2};
  Duration pause = kTurnedAwayPause;
  while (true) {
    bool turned_away = false;
    auto session = OpenOnce(host, options, reached, turned_away);
    const bool given_up = options.give_up != nullptr && options.give_up->load();
    if (session.ok() || !turned_away || given_up || clock.Now() + pause > deadline) return session;
    const Digest draw = Sha256::Of(fmt::format("{} {}", host.name, clock.Now().ns));
    const std::int64_t share = 128 + draw.bytes[0] / 2;
    ::poll(nullptr, 0, static_cast<int>(pause.ns / 256 * share / 1'000'000));
    pause.ns = std::min(pause.ns * 2, kTurnedAwayPauseMax.ns);
  }
}

Result<std::unique_ptr<SshSession>> SshSession::OpenOnce(const Host& host,
                                                         const ConnectOptions& options,
                                                         Stage& reached, bool& turned_away) {
  reached = Stage::kReach;
  BlockBrokenPipeSignal();
  const SystemClock clock;
  std::unique_ptr<SshSession> session(new SshSession());
  auto line = Line::Dial(host, clock.Now() + options.timeout, options.give_up);
  if (!line.ok()) {
    if (line.error().kind == ErrorKind::kInvalid) reached = Stage::kAddress;
    return std::move(line).error();
  }
  session->line_ = std::move(line).value();
  DML_RETURN_IF_ERROR(session->Configure(host, options.timeout));
  if (ssh_connect(session->handles_->session) != SSH_OK) {
    const std::string why = ssh_get_error(session->handles_->session);
    if (SharesNoLanguage(why)) {
      reached = Stage::kProtocol;
      return NoLanguage(host, why);
    }
    turned_away = host.jump.empty() && host.proxy_command.empty();
    return NoConnection(host, why, session->line_.Complaint(), reached);
  }
  reached = Stage::kHostKey;
  DML_RETURN_IF_ERROR(session->VerifyHostKey(host, options));
  reached = Stage::kAuth;
  DML_RETURN_IF_ERROR(session->Authenticate(host, options.timeout));
  reached = Stage::kReady;
  return session;
}

Result<void> SshSession::Configure(const Host& host, Duration timeout) {
  handles_->session = ssh_new();
  ssh_session session = handles_->session;
  if (session == nullptr) return Error::Environment("cannot make an SSH session");
  const int no = 0;
  const int yes = 1;
  const auto port = static_cast<unsigned>(host.port);
  long seconds = std::max(1L, static_cast<long>(timeout.seconds()));
  const socket_t fd = line_.fd();
  // The user's configuration was resolved by OpenSSH itself; libssh's own reading differs.
  ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no);
  ssh_options_set(session, SSH_OPTIONS_HOST, host.address.c_str());
  ssh_options_set(session, SSH_OPTIONS_PORT, &port);
  ssh_options_set(session, SSH_OPTIONS_USER, host.user.c_str());
  ssh_options_set(session, SSH_OPTIONS_FD, &fd);
  ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &seconds);
  ssh_options_set(session, SSH_OPTIONS_NODELAY, &yes);
  ssh_options_set(session, SSH_OPTIONS_STRICTHOSTKEYCHECK, &yes);
  ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
  ssh_options_set(session, SSH_OPTIONS_CIPHERS_C_S, kCiphers);
  ssh_options_set(session, SSH_OPTIONS_CIPHERS_S_C, kCiphers);
  // The kinds of key that some file knows are asked for first; otherwise a server with several keys
  // might show one that nobody has seen.
  std::vector<std::string> files{OwnKnownHosts()};
  files.insert(files.end(), host.known_hosts.begin(), host.known_hosts.end());
  for (const std::string& file : files) {
    ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, file.c_str());
    if (ssh_session_has_known_hosts_entry(session) == SSH_KNOWN_HOSTS_OK) return {};
  }
  ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, files.front().c_str());
  return {};
}

Result<void> SshSession::Exec(const std::string& command, std::size_t said_max) {
  const bool first = handles_->channel == nullptr;
  const SystemClock clock;
  const Instant deadline = clock.Now() + kSessionPatience;
  said_.clear();
  said_max_ = said_max;
  handles_->signal.clear();
  while (true) {
    if (handles_->channel != nullptr) ssh_channel_free(handles_->channel);
    handles_->channel = ssh_channel_new(handles_->session);
    const bool made = handles_->channel != nullptr;
    if (made && ssh_channel_open_session(handles_->channel) == SSH_OK) break;
    // A server with MaxSessions 1 needs a moment to see that the one before is over.
    const bool may_heal = made && !first && ssh_is_connected(handles_->session) != 0;
    if (!may_heal || clock.Now() > deadline) return OpensNone();
    ::poll(nullptr, 0, kSessionPauseMs);
  }
  ssh_callbacks_init(&handles_->callbacks);
  handles_->callbacks.userdata = &handles_->signal;
  handles_->callbacks.channel_exit_signal_function = NoteSignal;
  ssh_set_channel_callbacks(handles_->channel, &handles_->callbacks);
  if (ssh_channel_request_exec(handles_->channel, command.c_str()) != SSH_OK) return OpensNone();
  return {};
}

Error SshSession::OpensNone() const {
  return Error::Environment(
      std::string("the server opens no session: ") + ssh_get_error(handles_->session),
      "check MaxSessions and ForceCommand in its sshd_config");
}

void SshSession::DrainErrors() {
  char block[2048];
  while (true) {
    const int got = ssh_channel_read_timeout(handles_->channel, block, sizeof block, 1, 0);
    if (got <= 0) return;
    const std::size_t room = said_max_ - said_.size();
    said_.append(block, std::min(room, static_cast<std::size_t>(got)));
  }
}

Error SshSession::Broken() {
  DrainErrors();
  const bool ended = ssh_channel_is_eof(handles_->channel) != 0;
  std::string why = ended ? "the command ended" : ssh_get_error(handles_->session);
  const std::string said = said_.substr(0, kErrorBytesMax);
  if (!said.empty()) why += ", saying: " + said.substr(0, said.find_last_not_of("\r\n") + 1);
  return Error::Environment(why);
}

Result<std::string> SshSession::Read(std::size_t bytes_max, Duration wait) {
  std::string block(bytes_max, '\0');
  const int got = ssh_channel_read_timeout(handles_->channel, block.data(),
                                           static_cast<std::uint32_t>(bytes_max), 0, Millis(wait));
  if (got == SSH_ERROR) return Broken();
  // While something waits there, libssh does not tell the end.
  if (got <= 0) DrainErrors();
  if (got <= 0 && ssh_channel_is_eof(handles_->channel) != 0) return Broken();
  block.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return block;
}

Result<void> SshSession::Write(std::string_view bytes, Duration limit) {
  const SystemClock clock;
  const Instant deadline = clock.Now() + limit;
  while (!bytes.empty()) {
    if (clock.Now() > deadline) return Error::Environment("the node takes no more bytes");
    const auto piece = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), kLaneBytes));
    const int put = ssh_channel_write(handles_->channel, bytes.data(), piece);
    if (put < 0 || ssh_channel_is_closed(handles_->channel) != 0) return Broken();
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

void SshSession::CloseInput() { ssh_channel_send_eof(handles_->channel); }

int SshSession::ExitStatus(Duration wait) {
  const SystemClock clock;
  const Instant deadline = clock.Now() + wait;
  ssh_set_blocking(handles_->session, 0);
  int status = -1;
  while (clock.Now() < deadline) {
    status = ssh_channel_get_exit_status(handles_->channel);
    if (status != -1 || ssh_channel_is_closed(handles_->channel) != 0) break;
    pollfd waiting{ssh_get_fd(handles_->session), POLLIN, 0};
    ::poll(&waiting, 1, 20);
    char ignored;
    ssh_channel_read_timeout(handles_->channel, &ignored, 1, 0, 0);
  }
  ssh_set_blocking(handles_->session, 1);
  return status;
}

const std::string& SshSession::signal() const { return handles_->signal; }

Duration SshSession::RoundTrip() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(line_.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {0};
  return {static_cast<std::int64_t>(info.tcpi_rtt) * 1000};
}

std::string SshSession::cipher() const {
  const char* name = ssh_get_cipher_out(handles_->session);
  return name == nullptr ? "" : name;
}

// Both lanes hold at most one block; what libssh has buffered is taken before the socket is waited
// for, since the kernel does not see it.
Error SshSession::Carry(int fd, const std::function<bool()>& tick) {
  ssh_set_blocking(handles_->session, 0);
  const SystemClock clock;
  const int socket = ssh_get_fd(handles_->session);
  Instant ticked = clock.Now();
  const auto down = std::make_unique_for_overwrite<char[]>(kWindowBytes);
  std::string up(kLaneBytes, '\0');
  std::string_view unsent;
  // What the window still allows the other end. A read that asks for more makes libssh write, which
  // on a connection that was reset gives up what has arrived before: it is done seldom.
  std::uint32_t window = kWindowBytes;
  while (true) {
    std::size_t filled = 0;
    int got = 0;
    if (window < kWindowBytes / 2) window = kWindowBytes;
    do {
      // libssh takes 4 KiB from the socket at a time; a packet is up to eight of them. In the midst
      // of many, it may wait for the rest of one.
      const int wait_ms = filled > 0 ? kRestOfPacketMs : 0;
      got = ssh_channel_read_timeout(handles_->channel, down.get() + filled, window, 0, wait_ms);
      if (got > 0) filled += static_cast<std::size_t>(got);
      if (got > 0) window -= static_cast<std::uint32_t>(got);
    } while (filled < kLaneBytes && got >= 0 && ssh_channel_is_eof(handles_->channel) == 0 &&
             IsReadable(socket));
    bool moved = filled > 0;
    if (!WriteAll(fd, {down.get(), filled})) return Error::Cancelled("closed");
    // While something waits there, libssh does not tell the end.
    if (!moved) DrainErrors();
    const bool over = got == SSH_ERROR || (got <= 0 && ssh_channel_is_eof(handles_->channel) != 0);
    if (over || ssh_channel_is_closed(handles_->channel) != 0) return Broken();
    if (!unsent.empty()) {
      const int put = ssh_channel_write(handles_->channel, unsent.data(),
                                        static_cast<std::uint32_t>(unsent.size()));
      if (put == SSH_ERROR) return Broken();
      if (put > 0) {
        unsent.remove_prefix(static_cast<std::size_t>(put));
        moved = true;
      }
    }
    if (clock.Now() - ticked > Duration::Millis(kTickMs)) {
      ticked = clock.Now();
      DrainErrors();
      if (!tick()) return Error::Cancelled("closed");
    }
    const int flags = ssh_get_poll_flags(handles_->session);
    const bool pending = (flags & SSH_WRITE_PENDING) != 0;
    pollfd fds[2] = {{socket, static_cast<short>(POLLIN | (pending ? POLLOUT : 0)), 0},
                     {unsent.empty() ? fd : -1, POLLIN, 0}};
    ::poll(fds, 2, moved ? 0 : kTickMs);
    if (fds[1].revents == 0) continue;
    const ssize_t taken = ::read(fd, up.data(), up.size());
    if (taken <= 0) return Error::Cancelled("closed");
    unsent = std::string_view(up).substr(0, static_cast<std::size_t>(taken));
  }
}

}  // namespace dml::ssh
