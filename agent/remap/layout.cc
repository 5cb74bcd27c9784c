#include "agent/remap/layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "remap_status.h"

namespace remapfleet::agent {
namespace {

std::string Number(const Drive& drive) { return fmt::format("{}:{}", drive.major, drive.minor); }

std::uint64_t Sectors(const Drive& drive) { return drive.identity.size_bytes() / 512; }

Result<Drive> Need(const FindDrive& find, const std::string& name, const char* role) {
  auto drive = find(name);
  if (!drive) {
    return Fail(Code::kNotFound,
                fmt::format("{} {} is not present, or drives.allow does not name it", role, name));
  }
  // Two paths to one disk, or two disks with one serial number: which of them was meant today?
  if (!drive->twin.empty()) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("{} {}: {} and {} have the same identity {}; let drives.allow name one "
                    "of them only",
                    role, name, drive->identity.path(), drive->twin, drive->identity.drive_id()));
  }
  return *drive;
}

Result<std::uint64_t> SpareLength(const Drive& spare, std::uint64_t offset, std::uint64_t asked) {
  const std::uint64_t size = Sectors(spare);
  if (offset >= size || asked > size - offset) {
    return Fail(Code::kOutOfRange, fmt::format("spare area {}+{} does not fit on {} of {} sectors",
                                               offset, asked, spare.identity.path(), size));
  }
  return asked != 0 ? asked : size - offset;
}

// The target is a whole number of blocks; where it chooses the block size, it takes the larger
// physical one.
std::uint64_t TargetSectors(const Layout& layout) {
  std::uint64_t unit = layout.block_size;
  if (unit == 0) {
    unit = std::max(layout.main.identity.physical_block_bytes(),
                    layout.spare.identity.physical_block_bytes()) /
           512;
  }
  unit = std::clamp<std::uint64_t>(unit, 1, REMAP_BLOCK_MAX);
  return (Sectors(layout.main) - layout.data_offset) / unit * unit;
}

}  // namespace

DmTarget Layout::Table() const {
  std::string params = fmt::format("1 {} {} 1 {} {} {}", Number(main), data_offset, Number(spare),
                                   spare_offset, spare_length);
  params += block_size != 0 ? fmt::format(" 2 block_size {}", block_size) : " 0";
  return {0, target_sectors, REMAP_TARGET_NAME, params};
}

bool Layout::Matches(const DmTarget& live) const {
  std::string words = live.params;
  remap_table table{};
  const char* error = nullptr;
  return live.type == REMAP_TARGET_NAME && live.start == 0 && live.length == target_sectors &&
         remap_table_parse(words.data(), &table, &error) == 0 && table.main_dev == Number(main) &&
         table.data_offset == data_offset && table.n_spares == 1 &&
         table.spare[0].dev == Number(spare) && table.spare[0].offset == spare_offset &&
         table.spare[0].len == spare_length && (block_size == 0 || table.block_size == block_size);
}

Result<v1::RemapDeviceSpec> SpecFromConfig(const AllowedDevice& allowed, const FindDrive& find) {
  auto main = Need(find, allowed.drive, "drive");
  if (!main) return Fail(main.error());
  auto spare = Need(find, allowed.spare, "spare");
  if (!spare) return Fail(spare.error());
  auto length = SpareLength(*spare, allowed.spare_offset_sectors, allowed.spare_length_sectors);
  if (!length) return Fail(length.error());
  v1::RemapDeviceSpec spec;
  spec.set_device_name(allowed.name);
  spec.set_drive_id(main->identity.drive_id());
  spec.set_expected_serial(main->identity.serial());
  spec.set_spare_drive_id(spare->identity.drive_id());
  spec.set_spare_offset_sectors(allowed.spare_offset_sectors);
  spec.set_spare_length_sectors(*length);
  spec.set_data_offset_sectors(allowed.data_offset_sectors);
  return spec;
}

Result<Layout> MakeLayout(const v1::RemapDeviceSpec& spec, const AllowedDevice& allowed,
                          const FindDrive& find) {
  auto main = Need(find, spec.drive_id(), "drive");
  if (!main) return Fail(main.error());
  auto spare = Need(find, spec.spare_drive_id(), "spare");
  if (!spare) return Fail(spare.error());
  auto own = SpecFromConfig(allowed, find);
  if (!own) return Fail(own.error());
  auto length = SpareLength(*spare, spec.spare_offset_sectors(), spec.spare_length_sectors());
  if (!length) return Fail(length.error());
  if (main->identity.drive_id() != own->drive_id() ||
      spare->identity.drive_id() != own->spare_drive_id() ||
      spec.spare_offset_sectors() != own->spare_offset_sectors() ||
      *length != own->spare_length_sectors() ||
      spec.data_offset_sectors() != own->data_offset_sectors()) {
    return Fail(Code::kPermissionDenied,
                fmt::format("this node's configuration has another layout for {}: drive {}, spare "
                            "{} {}+{}, data from {}",
                            allowed.name, own->drive_id(), own->spare_drive_id(),
                            own->spare_offset_sectors(), own->spare_length_sectors(),
                            own->data_offset_sectors()));
  }
  if (main->identity.drive_id() == spare->identity.drive_id()) {
    return Fail(Code::kInvalidArgument, "the spare is the drive itself");
  }
  if (spec.expected_serial() != main->identity.serial()) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("drive {} has serial \"{}\", not \"{}\"", spec.drive_id(),
                            main->identity.serial(), spec.expected_serial()));
  }
  // Nothing on the disk says whose it is then: a stranger's mappings must not be laid over it.
  if (spec.data_offset_sectors() == 0 && main->identity.serial().empty() &&
      main->identity.wwn().empty()) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("drive {} has neither a serial number nor a WWN: it cannot be told "
                            "from another, and is not adopted in place; set data_offset_sectors",
                            spec.drive_id()));
  }
  if (spec.data_offset_sectors() >= Sectors(*main)) {
    return Fail(Code::kOutOfRange, "the data offset is behind the end of the drive");
  }
  Layout layout{spec.device_name(),
                *main,
                *spare,
                spec.data_offset_sectors(),
                spec.spare_offset_sectors(),
                *length,
                allowed.block_size_sectors,
                0};
  layout.target_sectors = TargetSectors(layout);
  return layout;
}

}  // namespace remapfleet::agent
