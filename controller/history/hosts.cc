#include "controller/history/hosts.h"

#include <fmt/format.h>

#include "controller/history/desired.h"
#include "controller/history/transaction.h"

namespace remapfleet {

Result<SessionStart> BeginSession(Transaction& transaction, const HostId& host,
                                  const v1::Hello& hello) {
  auto& work = transaction.work;
  SessionStart start;
  start.epoch =
      work.exec_params1(
              "insert into host (host_id, hostname, agent_version, session_epoch, connected) "
              "values ($1, $2, $3, 1, true) on conflict (host_id) do update set "
              "hostname = excluded.hostname, agent_version = excluded.agent_version, "
              "session_epoch = host.session_epoch + 1, connected = true, last_seen = now() "
              "returning session_epoch",
              host.value(), hello.hostname(), hello.agent_version())[0]
          .as<std::uint64_t>();
  for (const auto& drive : hello.drives()) {
    work.exec_params(
        "insert into drive (host_id, drive_id, identity) values ($1, $2, $3::bytea) "
        "on conflict (host_id, drive_id) do update set identity = excluded.identity, gone_at = "
        "null",
        host.value(), drive.drive_id(), ToBytea(drive));
  }
  for (const auto& spec : hello.configured()) AdoptConfigured(transaction, host, spec);
  for (const auto& [kind, generation] : hello.known_generations()) {
    const auto hash = hello.known_hashes().find(kind);
    OvertakeKnown(transaction, host, kind, generation,
                  hash == hello.known_hashes().end() ? "" : hash->second);
  }
  const auto position = work.exec_params(
      "select through_seq from stream_position where host_id = $1 and boot_id = $2", host.value(),
      hello.boot_id());
  if (!position.empty()) start.acked_seq = position[0][0].as<std::uint64_t>();
  return start;
}

void EndSession(Transaction& transaction, const HostId& host, std::uint64_t epoch) {
  transaction.work.exec_params(
      "update host set connected = false where host_id = $1 and session_epoch = $2", host.value(),
      static_cast<std::int64_t>(epoch));
}

bool IsCurrent(Transaction& transaction, const HostId& host, std::uint64_t epoch) {
  const auto rows = transaction.work.exec_params(
      "select session_epoch from host where host_id = $1 for no key update", host.value());
  return !rows.empty() && rows[0][0].as<std::uint64_t>() == epoch;
}

void NoteHeard(Transaction& transaction, const std::vector<std::string>& hosts) {
  // Host ids hold nothing that an array literal would have to quote. In order: two gateways may
  // both have a stream of one host for a moment.
  transaction.work.exec_params(
      "update host set last_seen = now() where host_id in (select host_id from host where host_id "
      "= any($1::text[]) order by host_id for no key update)",
      fmt::format("{{{}}}", fmt::join(hosts, ",")));
}

}  // namespace remapfleet
