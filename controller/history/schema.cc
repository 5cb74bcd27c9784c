#include "controller/history/schema.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>

#include "controller/history/transaction.h"

namespace remapfleet {
namespace {

std::string Sha256Hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

// The version of the database, after checking that its past is ours.
Result<int> CheckedVersion(Transaction& transaction) {
  auto& work = transaction.work;
  // Held until commit: a second replica waits here, and then finds the work done.
  work.exec("select pg_advisory_xact_lock(7236518)");
  // Not to_regclass(): without a table to lock it may answer from a cache older than the wait
  // above.
  const auto exists = work.exec1(
      "select exists (select from pg_tables where schemaname = current_schema() and "
      "tablename = 'schema_version')");
  if (!exists[0].as<bool>()) return 0;
  int version = 0;
  for (const auto& row : work.exec("select version, sha256 from schema_version order by version")) {
    version = row[0].as<int>();
    if (version > static_cast<int>(Migrations().size())) continue;
    const Migration& ours = Migrations()[static_cast<std::size_t>(version) - 1];
    if (row[1].as<std::string>() != Sha256Hex(ours.sql)) {
      return Fail(Code::kFailedPrecondition,
                  fmt::format("database step {} differs from this program's: it comes from another "
                              "build; run that build's remap-controller",
                              ours.name));
    }
  }
  if (version > static_cast<int>(Migrations().size())) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("database has schema version {}, this program knows up to {}: install a "
                    "newer remap-controller; nothing was changed",
                    version, Migrations().size()));
  }
  return version;
}

Result<bool> ApplyNext(Transaction& transaction, MigrationReport& report) {
  const auto version = CheckedVersion(transaction);
  if (!version) return Fail(version.error());
  report.after = *version;
  if (*version == static_cast<int>(Migrations().size())) return false;
  // A step may rewrite a large table.
  transaction.work.exec("set local statement_timeout = 0");
  const Migration& next = Migrations()[static_cast<std::size_t>(*version)];
  auto& work = transaction.work;
  work.exec(
      "create table if not exists schema_version (version integer primary key, name text not null, "
      "sha256 text not null, applied timestamptz not null default now())");
  work.exec(next.sql);
  work.exec_params("insert into schema_version (version, name, sha256) values ($1, $2, $3)",
                   next.version, std::string(next.name), Sha256Hex(next.sql));
  report.after = next.version;
  report.applied.emplace_back(next.name);
  return true;
}

}  // namespace

Result<MigrationReport> Migrate(Database& database, bool dry_run) {
  MigrationReport report;
  const auto before = database.Query<int>([](Transaction& t) { return CheckedVersion(t); });
  if (!before) return Fail(before.error());
  report.before = report.after = *before;
  if (dry_run) {
    for (const Migration& migration : Migrations()) {
      if (migration.version > *before) report.applied.emplace_back(migration.name);
    }
    report.after = static_cast<int>(Migrations().size());
    return report;
  }
  for (;;) {
    const auto more = database.Query<bool>([&](Transaction& t) { return ApplyNext(t, report); });
    if (!more) return Fail(more.error());
    if (!*more) return report;
  }
}

}  // namespace remapfleet
