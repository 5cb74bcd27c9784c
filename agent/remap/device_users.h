#pragma once

#include <string>

namespace remapfleet::agent {

// Where the kernel says who uses a disk: other folders than these in tests only.
struct UserRoots {
  std::string sys = "/sys";
  std::string proc = "/proc";
};

// Who uses the disk or a partition of it, for people: "sda1 is mounted at /data", "sda2 is in md0,
// which is degraded (1 missing)", "sda3 is swapped to", "sda is held by dm-1 (vg-root)". Empty if
// nobody can be named, which does not mean that there is nobody.
std::string UsersOf(const std::string& path, const UserRoots& roots = {});

}  // namespace remapfleet::agent
