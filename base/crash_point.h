#pragma once

#include <string_view>

namespace dml {

// Every place at which a death of the process is interesting: before and after each step that
// makes something durable or has an effect outside. Tests end the real program at each of them.
inline constexpr std::string_view kCrashPoints[] = {
    "run.beginning",       // a new run: nothing is recorded yet
    "run.begun",           // it is recorded, and nobody owns it yet
    "turn.decided",        // decisions, none of them durable
    "turn.persisted",      // durable, none of them carried out
    "launch.handed-over",  // the runner has the attempts
    "worker.begins",       // in the worker: before the work
    "worker.done",         // in the worker: after the work, nobody knows
    "checkpoint.saved",    // in the worker: the state of a fit is durable, the fit goes on
    "commit.begins",       // outputs are whole, none is stored
    "commit.synced",       // a file is synced and has its name in the attempt only
    "commit.linked",       // a file has its name in the store, which is not synced
    "commit.stored",       // every output is stored, the result is not recorded
    "result.persisted",    // the result is recorded, the attempt's folder is still there
    "run.done",            // every task is final, the run is not
    "run.ended",           // the run has an outcome
    "hooks.due",           // it has, and none of its hooks has been run
    "hook.ended",          // one has been run, which is not recorded
    "recovery.swept",      // the leavings of a dead run are removed, which is not recorded
    "resume.loaded",       // a run was read back, nothing was done
    "stop.sent",           // the owner of a run was asked to stop
};

// The same of a head that has nodes.
inline constexpr std::string_view kClusterCrashPoints[] = {
    "cluster.staged",   // a node has the inputs of an attempt, and not the attempt
    "cluster.ended",    // an attempt has ended on its node, none of its outputs is here
    "cluster.fetched",  // one of its outputs is here
};

// Of a daemon that starts what is due, and of the process that it starts for a slot.
inline constexpr std::string_view kScheduleCrashPoints[] = {
    "slot.starting",  // in the daemon: the start is recorded, nobody was asked for it
    "slot.asked",     // in the daemon: a process was asked for
    "slot.running",   // in the process: that it runs is recorded, it has done nothing
    "slot.done",      // in the process: its run has ended, which is not recorded
    "slot.ended",     // in the process: it is, and what the slot has left is still there
};

// Of the commands that look after the store.
inline constexpr std::string_view kStoreCrashPoints[] = {
    "gc.unlisted",     // the common index has forgotten results, they and their files are there
    "gc.forgotten",    // they are forgotten, every file is there
    "gc.removed",      // one of the files is gone
    "verify.dropped",  // what read a damaged file is forgotten, the file is still there
    "verify.removed",  // a damaged file is gone
};

// Kills the process (SIGKILL) if the environment has DML_CRASH_AT=<label>. With
// DML_CRASH_AT=<label>:<n> not before it comes here for the n-th time; with @<file> at the end only
// if this process is the first to create that file. Costs a comparison of a pointer otherwise.
void CrashPoint(std::string_view label);

}  // namespace dml
