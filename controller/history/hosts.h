#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/history/database.h"
#include "remapfleet/v1/agent_service.pb.h"
#include "remapfleet/v1/operator.pb.h"
#include "support/ids.h"

namespace remapfleet {

// What a stream begins with.
struct SessionStart {
  std::uint64_t epoch = 0;
  std::uint64_t acked_seq = 0;  // of the boot that Hello names
};

// Notes the host, its drives and configured devices, and gives out the next session epoch.
Result<SessionStart> BeginSession(Transaction& transaction, const HostId& host,
                                  const v1::Hello& hello);
// The stream of `epoch` ended; does nothing if a newer one has begun.
void EndSession(Transaction& transaction, const HostId& host, std::uint64_t epoch);
// True while `epoch` is the newest stream of the host; stays so until this transaction ends.
bool IsCurrent(Transaction& transaction, const HostId& host, std::uint64_t epoch);
// These hosts have said something just now.
void NoteHeard(Transaction& transaction, const std::vector<std::string>& hosts);

// Pages by host id, and by host and drive id.
std::vector<v1::Host> ListHosts(Transaction& transaction, const std::string& after, int limit);
std::vector<v1::Device> ListDevices(Transaction& transaction, const std::string& host,
                                    const std::string& after_host, const std::string& after_drive,
                                    int limit);
// NOT_FOUND if the drive never reported; the host seen last if it moved.
Result<v1::Device> GetDevice(Transaction& transaction, const DriveId& drive);
// The one host that has had the drive; FAILED_PRECONDITION if there are several.
Result<HostId> HostOf(Transaction& transaction, const DriveId& drive);
// NOT_FOUND if this host never reported such a drive.
Result<v1::Device> GetDeviceOn(Transaction& transaction, const HostId& host, const DriveId& drive);
v1::GetFleetStatusResponse FleetStatus(Transaction& transaction);

struct HistoryPage {
  std::vector<v1::HistoryEntry> entries;
  std::string next_token;
};
// Newest first, all kinds; gaps in what its host said among them.
Result<HistoryPage> ListHistory(Transaction& transaction, const DriveId& drive, int page_size,
                                const std::string& page_token);

}  // namespace remapfleet
