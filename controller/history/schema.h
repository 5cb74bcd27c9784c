#pragma once

#include <string>
#include <vector>

#include "controller/history/database.h"

namespace remapfleet {

struct Migration {
  int version;  // from 1, without gaps
  const char* name;
  const char* sql;
};

// All that this program knows, in order; generated from history/sql.
const std::vector<Migration>& Migrations();

struct MigrationReport {
  int before = 0;                    // 0 for an empty database
  int after = 0;                     // what it is now, or would be
  std::vector<std::string> applied;  // names, in order
};

// Brings the database to this program's version, one transaction a step; with `dry_run` only says
// what would be done. Safe to run from several replicas at once. FAILED_PRECONDITION if the
// database is newer than this program, or a step that was applied has since been changed.
Result<MigrationReport> Migrate(Database& database, bool dry_run);

}  // namespace remapfleet
