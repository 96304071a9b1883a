// Who is at the other end, and who we are to it.

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <sstream>

#include "base/files.h"
#include "runners/ssh/bridge_greeting.h"
#include "runners/ssh/ordered_agent.h"
#include "runners/ssh/session_handles.h"

namespace dml::ssh {

namespace {

// MaxAuthTries of OpenSSH is six, and what came before counts.
constexpr std::size_t kAgentKeysHeard = 5;
// Of what a key of an agent is called.
constexpr std::size_t kKeyNameMax = 100;
// libssh may have more at hand than the system knows of.
constexpr int kAuthTickMs = 50;
// Of libssh.
constexpr std::size_t kKnownHostsLineMax = 8000;

using KeyPointer = std::unique_ptr<ssh_key_struct, decltype(&ssh_key_free)>;

Error Changed(const Host& host, const HostKey& key, const std::string& where) {
  return Error::Environment(
      fmt::format("THE HOST KEY OF {} HAS CHANGED: it shows {} {}, which is not what {} says. "
                  "Somebody may be listening in between",
                  Describe(host), key.type, key.fingerprint, where),
      "if the key was changed on purpose, remove the old one from that place");
}

Error Unknown(const Host& host, const HostKey& key) {
  return Error::Environment(
      fmt::format("the host key of {} is not known: {} {}", Describe(host), key.type,
                  key.fingerprint),
      "compare the fingerprint with the one of the machine, then run `dml cluster setup`, or write "
      "it as host_key: in the inventory");
}

// libssh reads no further than to a line like that, and tells nobody.
bool IsCutShort(const std::string& known_hosts) {
  if (known_hosts.find('\0') != std::string::npos) return true;
  std::istringstream lines(known_hosts);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > kKnownHostsLineMax) return true;
  }
  return false;
}

// Called where a key cannot be read without a passphrase, which dml does not ask for.
int NotePassphrase(const char*, char*, std::size_t, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

void AddToOffers(std::string& list, const std::string& one) {
  if (!list.empty()) list += ", ";
  list += one;
}

// What was offered to a server, and what could not be.
struct KeyOffers {
  std::string tried;
  std::string absent;
  std::string locked;  // the first of them
  std::string open;    // to others; the first of them
  std::size_t agent_keys = 0;
  bool agent_silent = false;

  [[nodiscard]] std::string Remedy() const {
    if (agent_silent) {
      return "end that agent or wake it, or unset SSH_AUTH_SOCK; a key without a passphrase needs "
             "none";
    }
    if (agent_keys > kAgentKeysHeard) {
      return "a server hears out six keys or so: name the one with identity_file:, with its .pub "
             "file beside it";
    }
    if (!open.empty()) return "if it is still a secret, `chmod 600 " + open + "`";
    if (!locked.empty()) {
      return "unlock it with `ssh-add " + locked +
             "`; if there is no agent, start one first: `eval $(ssh-agent)`";
    }
    return "name the key with identity_file:, unlock it with ssh-add, and see that its .pub line "
           "is in ~/.ssh/authorized_keys there";
  }
};

// Nothing if it cannot be offered, which is noted.
KeyPointer ReadOfferedKey(const std::string& path, KeyOffers& offers) {
  KeyPointer none(nullptr, ssh_key_free);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    AddToOffers(offers.absent, path);
    return none;
  }
  // As OpenSSH: a key that others can read is no secret any more.
  if (info.st_uid == ::getuid() && (info.st_mode & 077U) != 0) {
    AddToOffers(offers.tried, fmt::format("{} (not used: its mode is {:04o}, others can read it)",
                                          path, info.st_mode & 0777U));
    if (offers.open.empty()) offers.open = path;
    return none;
  }
  ssh_key raw = nullptr;
  bool asked = false;
  if (ssh_pki_import_privkey_file(path.c_str(), nullptr, NotePassphrase, &asked, &raw) == SSH_OK) {
    return {raw, ssh_key_free};
  }
  AddToOffers(offers.tried,
              path + (asked ? " (locked by a passphrase)" : " (cannot be read as a private key)"));
  if (asked && offers.locked.empty()) offers.locked = path;
  return none;
}

void AddAgentKeys(const OrderedAgent& agent, KeyOffers& offers) {
  const std::vector<std::string> keys = agent.keys();
  offers.agent_keys = keys.size();
  offers.agent_silent = agent.silent();
  const char* socket = std::getenv("SSH_AUTH_SOCK");
  const std::string name = fmt::format("the agent at {}", socket == nullptr ? "?" : socket);
  if (agent.silent()) AddToOffers(offers.tried, name + ", which does not answer");
  if (agent.silent() && keys.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < keys.size() && i <= kAgentKeysHeard; ++i) {
    AddToOffers(names, Quoted(keys[i].substr(0, kKeyNameMax)));
  }
  if (keys.size() > kAgentKeysHeard + 1) names += ", ...";
  AddToOffers(offers.tried, keys.empty()
                                ? std::string("the 0 keys of the agent")
                                : fmt::format("the {} keys of the agent ({})", keys.size(), names));
}

// Asks in the mode in which libssh does not wait: in the other it goes on to its time limit after
// the server has hung up.
bool IsAcceptedLogin(ssh_session session, Duration patience, const std::function<int()>& ask) {
  const SystemClock clock;
  const Instant deadline = clock.Now() + patience;
  ssh_set_blocking(session, 0);
  int verdict = ask();
  while (verdict == SSH_AUTH_AGAIN && ssh_is_connected(session) != 0 && clock.Now() < deadline) {
    const bool pending = (ssh_get_poll_flags(session) & SSH_WRITE_PENDING) != 0;
    pollfd line{ssh_get_fd(session), static_cast<short>(POLLIN | (pending ? POLLOUT : 0)), 0};
    ::poll(&line, 1, kAuthTickMs);
    verdict = ask();
  }
  ssh_set_blocking(session, 1);
  return verdict == SSH_AUTH_SUCCESS;
}

}  // namespace

Result<void> SshSession::ReadHostKey() {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(handles_->session, &raw) != SSH_OK) {
    return Error::Environment("the server shows no host key");
  }
  const KeyPointer key(raw, ssh_key_free);
  host_key_.type = ssh_key_type_to_char(ssh_key_type(raw));
  char* base64 = nullptr;
  if (ssh_pki_export_pubkey_base64(raw, &base64) == SSH_OK) {
    host_key_.base64 = base64;
    ssh_string_free_char(base64);
  }
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (ssh_get_publickey_hash(raw, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) == SSH_OK) {
    char* print = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
    if (print != nullptr) host_key_.fingerprint = print;
    ssh_string_free_char(print);
    ssh_clean_pubkey_hash(&hash);
  }
  if (host_key_.base64.empty() || host_key_.fingerprint.empty()) {
    return Error::Environment("the server shows no host key");
  }
  return {};
}

Result<void> SshSession::VerifyHostKey(const Host& host, const ConnectOptions& options) {
  DML_RETURN_IF_ERROR(ReadHostKey());
  std::vector<std::string> files{OwnKnownHosts()};
  files.insert(files.end(), host.known_hosts.begin(), host.known_hosts.end());
  std::string damaged;
  for (const std::string& file : files) {
    const auto text = ReadFile(file);
    // /dev/null is how people say that there are none.
    struct stat info {};
    const bool there = ::stat(file.c_str(), &info) == 0 && !S_ISCHR(info.st_mode);
    if (!text.ok() && there) damaged = text.error().message;
    if (text.ok() && IsCutShort(*text)) {
      damaged = "'" + file + "' has a line that is none of known hosts";
    }
    if (text.ok() && IsRevoked(*text, host_key_)) {
      return Error::Environment(
          fmt::format("the host key of {} is revoked by {}: {} {}", Describe(host), file,
                      host_key_.type, host_key_.fingerprint),
          "give the machine a new host key");
    }
  }
  if (!host.host_key.empty()) {
    if (Matches(host.host_key, host_key_)) return {};
    return Changed(host, host_key_, "host_key: in the inventory");
  }
  for (const std::string& file : files) {
    ssh_options_set(handles_->session, SSH_OPTIONS_KNOWNHOSTS, file.c_str());
    const auto verdict = ssh_session_is_known_server(handles_->session);
    if (verdict == SSH_KNOWN_HOSTS_OK) return {};
    if (verdict == SSH_KNOWN_HOSTS_CHANGED || verdict == SSH_KNOWN_HOSTS_OTHER) {
      return Changed(host, host_key_, file);
    }
  }
  // What it said of this host may be that the key has changed: nobody is asked to trust it.
  if (!damaged.empty()) {
    Error error = Unknown(host, host_key_);
    error.message += "; " + damaged;
    error.hint = "mend that file, or take it away; or write the key as host_key: in the inventory";
    return error;
  }
  if (options.accept_unknown && options.accept_unknown(host, host_key_)) {
    return Trust(host, host_key_);
  }
  return Unknown(host, host_key_);
}

Result<void> SshSession::Authenticate(const Host& host, Duration patience) {
  ssh_session session = handles_->session;
  // Tells which methods there are; a server that wants nothing is fine, too.
  if (ssh_userauth_none(session, nullptr) == SSH_AUTH_SUCCESS) return {};
  KeyOffers offers;
  for (const std::string& path : host.identity_files) {
    const KeyPointer key = ReadOfferedKey(path, offers);
    if (key == nullptr) continue;
    if (IsAcceptedLogin(session, patience,
                        [&] { return ssh_userauth_publickey(session, nullptr, key.get()); })) {
      return {};
    }
    AddToOffers(offers.tried, path);
    if (ssh_is_connected(session) == 0) break;
  }
  const auto agent = ssh_is_connected(session) != 0
                         ? OrderedAgent::Reach(host.identity_files, patience)
                         : std::unique_ptr<OrderedAgent>();
  if (agent != nullptr) {
    // Closed by libssh.
    ssh_set_agent_socket(session, agent->Take());
    // The agent has a time limit of its own.
    if (IsAcceptedLogin(session, patience + patience,
                        [&] { return ssh_userauth_agent(session, nullptr); })) {
      return {};
    }
    AddAgentKeys(*agent, offers);
  }
  if (offers.tried.empty()) {
    offers.tried = "none";
    if (!offers.absent.empty()) offers.tried += ", for there is no file " + offers.absent;
  }
  if (ssh_is_connected(session) == 0) {
    offers.tried += "; then it hung up: " + Quoted(ssh_get_error(session));
  }
  return Error::Environment(
      fmt::format("{} accepts no key; tried: {}", Describe(host), offers.tried), offers.Remedy());
}

}  // namespace dml::ssh
