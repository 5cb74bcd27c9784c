#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/history/database.h"
#include "remapfleet/v1/operator.pb.h"
#include "support/ids.h"

namespace remapfleet {

struct DesiredRow {
  HostId host;
  v1::Desired desired;
  v1::Outcome::Stage stage = v1::Outcome::STAGE_UNSPECIFIED;
};

// What hosts should be and have not yet said to be: newest generation of each kind, for these
// hosts.
Result<std::vector<DesiredRow>> UnfinishedDesired(Transaction& transaction,
                                                  const std::vector<std::string>& hosts);
// All kinds of one host, finished or not.
Result<std::vector<DesiredRow>> AllDesired(Transaction& transaction, const HostId& host);

// Takes a device that a node's configuration names into management: its first generation. A device
// that is known follows the configuration where its drive or spare has changed, by a new
// generation; plans for the drive before then fail.
void AdoptConfigured(Transaction& transaction, const HostId& host, const v1::RemapDeviceSpec& spec);

// A database that was lost or set back would give out generations that the node refuses as old, or
// as known with another content: the desired state of `kind` gets a generation above `known`,
// unless it has a higher one already or the same with this hash (empty: the node did not say).
void OvertakeKnown(Transaction& transaction, const HostId& host, const std::string& kind,
                   std::uint64_t known, const std::string& known_hash);

// Adds ranges to a spec: sorted and merged, so that two ways to the same set give the same hash.
void AddRanges(v1::RemapDeviceSpec& spec,
               const google::protobuf::RepeatedPtrField<v1::SectorRange>& more);

// Next generation: the last good state, what open plans ask for, and `plan`. Returns its number.
// FAILED_PRECONDITION if the host has no such device, or has it on another drive.
Result<std::uint64_t> ExtendDesired(Transaction& transaction, const v1::Plan& plan);

// The device on a drive as the newest generation wants it; nothing if none is managed there.
// Locks it until commit: whoever decides on a drive holds its day's budget meanwhile.
std::optional<v1::RemapDeviceSpec> SpecOnDrive(Transaction& transaction, const HostId& host,
                                               const DriveId& drive);

// Plans that a generation carries are on their way.
void MarkIssued(Transaction& transaction, const HostId& host, const v1::Desired& desired);

}  // namespace remapfleet
