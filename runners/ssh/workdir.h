#pragma once

#include <string>

#include "base/result.h"
#include "runners/ssh/bridge_link.h"
#include "runners/ssh/remote.h"

// What is done to a node's folder before the worker program is there, or when it does not start: by
// a POSIX shell, in commands that every login shell hands on as they are. Nothing in them is quoted
// data: paths are of plain characters. See runners/node/territory.h for what of a folder is dml's.
namespace dml::ssh {

// Makes the folder dml's own, with its marker. kEnvironment, and nothing is changed, if it is
// somebody else's, the home folder or the root.
Result<void> ClaimWorkdir(SshSession& session, const Host& host);
// kEnvironment if that would fail, as far as can be told without changing anything.
Result<void> MayClaimWorkdir(SshSession& session, const Host& host);

// The command that stores its input, `bytes` of it, as the worker program.
[[nodiscard]] std::string UploadCommand(const Host& host, const WorkerProgram& worker,
                                        std::size_t bytes);

enum class WorkdirOwner { kNobody, kDml, kOthers };  // kNobody: it is not there, or empty
Result<WorkdirOwner> WhoseWorkdir(SshSession& session, const Host& host);

// Takes the worker program away again, with `all` also those of other versions; then, if nothing
// else is in the folder, the marker and the folders that were made for it.
Result<void> UndoUpload(SshSession& session, const Host& host, const WorkerProgram& worker,
                        bool all);

// `dml-worker down` there, `verb` with its options. Done if nothing of dml's is there; where the
// program is missing although the folder is dml's, it is copied there first.
Result<RemoteOutput> TakeDownNode(const Host& host, const WorkerProgram& worker,
                                  const ConnectOptions& options, const std::string& verb);

// Why a program that was copied does not start.
Error WhyNotStarted(SshSession& session, const Host& host);

// What one of the scripts of this file complained of on its standard error, as it may be shown to
// people.
[[nodiscard]] std::string ComplaintOf(const RemoteOutput& output);

// What one of the scripts of this file answered, whatever shells printed before: the rest of the
// line behind the last marker.
[[nodiscard]] std::string WorkdirAnswer(const std::string& out);

// The file system of `path`, absolute and without links, lets no program start, as a mountinfo of
// Linux says.
[[nodiscard]] bool IsNoexec(const std::string& mountinfo, const std::string& path);

}  // namespace dml::ssh
