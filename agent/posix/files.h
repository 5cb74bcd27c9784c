#pragma once

#include <string>
#include <string_view>

#include "agent/posix/unique_fd.h"
#include "support/result.h"

namespace remapfleet::agent {

// The whole file. Sizes that stat() does not know (sysfs, procfs) are read to the end.
Result<std::string> ReadFile(const std::string& path);

// The file without blanks at both ends; empty if it cannot be read.
std::string ReadTrimmed(const std::string& path);

// Replaces `path` so that a crash leaves the old or the new contents, durably: temporary file,
// fsync, rename, fsync of the folder.
Status WriteFileDurably(const std::string& path, std::string_view contents);

// Writes to a file of the kernel's (tracefs, sysfs) in one write.
Status WriteKernelFile(const std::string& path, std::string_view contents);

// Creates a folder and those above it, for the owner only.
Status MakeFolder(const std::string& path);

// Holds a folder for this process until the descriptor is closed; FAILED_PRECONDITION with the
// holder's process number if another one does. Creates the folder.
Result<UniqueFd> LockFolder(const std::string& path);

// Holds a file for this process until the descriptor is closed, once nobody else does.
Result<UniqueFd> AwaitLock(const std::string& path);

// Makes the names in a folder durable.
Status SyncFolder(const std::string& path);

// Writes everything or fails.
Status WriteAll(int fd, std::string_view bytes, const std::string& what);

// `text` without blanks and NUL bytes at both ends.
std::string Trim(std::string_view text);

// This boot's id.
std::string ReadBootId();

}  // namespace remapfleet::agent
