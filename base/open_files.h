#pragma once

namespace dml {

// How many files a process may have open at a time. Many programs still expect a low limit: they
// begin with what whoever started dml had, however many dml needs itself.

// Raises the limit of this process to what the system allows it. Once, before there are threads.
void RaiseOpenFiles();

// Gives a process that this one has started the limit from before; 0: the calling process, which is
// about to become another program. Nothing but a system call, so it may follow vfork().
void RestoreOpenFiles(int pid);

}  // namespace dml
