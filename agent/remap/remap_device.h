#pragma once

#include <string>
#include <vector>

#include "agent/remap/dm_port.h"
#include "agent/remap/extents.h"
#include "remap_status.h"
#include "remapfleet/v1/telemetry.pb.h"

namespace remapfleet::agent {

// One live remap device, spoken to in its own words. Same thread as the DmPort.
class RemapDevice {
 public:
  RemapDevice(DmPort& dm, std::string name) : dm_(dm), name_(std::move(name)) {}

  struct State {
    std::string line;  // "1 rw block_size=8 …"
    remap_status parsed;
    std::uint64_t target_sectors;
  };
  Result<State> ReadState();
  // "0 <len> remap 1 …".
  Result<std::string> TableLine();
  // All entries of `list <what>`, normalised: remaps, pending or lost.
  Result<std::vector<Extent>> List(const std::string& what);
  // Blocks copied to slots; those that cannot be read become pending and are no error.
  Result<std::uint64_t> Remap(const Extent& extent);
  // The answer to `histogram`.
  Result<std::string> Histogram();
  Result<std::string> Query(std::uint64_t sector);
  Result<std::string> Get(const std::string& key);
  Status Set(const std::string& key, const std::string& value);

 private:
  // Whether the block is pending or lost: it goes to a slot when it is next written.
  Result<bool> WaitsForWrite(std::uint64_t block);

  DmPort& dm_;
  const std::string name_;
};

// Every key of a status line with a whole-number value.
void FillCounters(const std::string& status_line, v1::RemapStatus& status);

}  // namespace remapfleet::agent
