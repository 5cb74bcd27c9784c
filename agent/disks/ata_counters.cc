#include "agent/disks/ata_counters.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <array>

namespace remapfleet::agent {
namespace {

// Which attribute counts what. Vendors keep other things above the low 32 bits.
struct Counter {
  std::uint32_t id;
  void (v1::DriveHealth::*set)(std::uint64_t);
  bool of_sectors;  // so that the drive's size bounds it
};

constexpr std::array<Counter, 7> kCounters = {{
    {5, &v1::DriveHealth::set_reallocated_sectors, true},
    {187, &v1::DriveHealth::set_reported_uncorrectable_errors, false},
    {188, &v1::DriveHealth::set_command_timeouts, false},
    {196, &v1::DriveHealth::set_reallocation_events, false},
    {197, &v1::DriveHealth::set_pending_sectors, true},
    {198, &v1::DriveHealth::set_offline_uncorrectable_sectors, true},
    {199, &v1::DriveHealth::set_interface_crc_errors, false},
}};

// Raw values that are several numbers of 16 bits each; the lowest is the one that the attribute's
// name means. Models are globs, without regard to case.
struct Packed {
  const char* model;
  std::uint32_t id;
  int parts;
};

constexpr Packed kPacked[] = {
    // timeouts; those above 5 s; those above 7.5 s
    {"ST[0-9]*", 188, 3},
    {"Seagate*", 188, 3},
    // Seagate's, sold by others: HP's MB…EBNCR and the like
    {"MB[0-9]*", 188, 3},
    {"MM[0-9]*", 188, 3},
    {"OOS[0-9]*", 188, 3},
    {"FUJITSU MH*", 196, 3},
    {"FUJITSU MH*", 197, 3},
    {"FUJITSU MH*", 198, 3},
};

// Where a solid-state drive keeps what is left of its rated endurance, in percent: in the
// normalised value or in the raw one, as smartmontools' drive database names these attributes.
struct Endurance {
  const char* model;
  std::uint32_t id;
  bool raw;
};

constexpr Endurance kEndurance[] = {
    {"INTEL SSD*", 233, false},     // Media_Wearout_Indicator
    {"SSDSC*R", 202, false},        // End_of_Life, of Intel's that Dell sells
    {"Samsung SSD*", 177, false},   // Wear_Leveling_Count
    {"SAMSUNG MZ*", 177, false},    // the same
    {"Micron_*", 202, false},       // Percent_Lifetime_Remain
    {"MTFD*", 202, false},          // the same
    {"CT[0-9]*", 202, false},       // the same
    {"KINGSTON S*", 231, true},     // SSD_Life_Left
    {"Patriot Burst*", 231, true},  // the same controller
};

bool Matches(const char* glob, const std::string& model) {
  return fnmatch(glob, model.c_str(), FNM_CASEFOLD) == 0;
}

void SetParts(const std::string& model, v1::AtaAttribute& attribute) {
  for (const Packed& packed : kPacked) {
    if (packed.id != attribute.id() || !Matches(packed.model, model)) continue;
    attribute.clear_parts();
    for (int i = 0; i < packed.parts; ++i)
      attribute.add_parts(attribute.raw() >> (16 * i) & 0xffff);
    return;
  }
}

std::uint64_t Meant(const v1::AtaAttribute& attribute) {
  return attribute.parts_size() > 0 ? attribute.parts(0) : attribute.raw() & 0xffff'ffff;
}

// No drive has more bad sectors than sectors.
bool IsPossible(const Counter& counter, std::uint64_t value, const v1::DriveHealth& health) {
  const std::uint64_t sectors = health.drive().size_bytes() / 512;
  return !counter.of_sectors || sectors == 0 || value <= sectors;
}

void SetCounter(const v1::AtaAttribute& attribute, v1::DriveHealth& health) {
  for (const Counter& counter : kCounters) {
    if (counter.id != attribute.id()) continue;
    const std::uint64_t value = Meant(attribute);
    if (IsPossible(counter, value, health)) {
      (health.*counter.set)(value);
    } else {
      health.add_problems(fmt::format("attribute {} is {}: more than the drive has sectors",
                                      attribute.id(), attribute.raw()));
    }
  }
}

void SetEndurance(const v1::AtaAttribute& attribute, v1::DriveHealth& health) {
  for (const Endurance& endurance : kEndurance) {
    if (endurance.id != attribute.id() || !Matches(endurance.model, health.drive().model())) {
      continue;
    }
    const std::uint64_t left = endurance.raw             ? attribute.raw()
                               : attribute.has_current() ? attribute.current()
                                                         : ~std::uint64_t{0};
    if (left <= 100) health.set_percentage_used(static_cast<std::uint32_t>(100 - left));
  }
}

}  // namespace

void SetAtaCounters(v1::DriveHealth& health) {
  const bool endurance_is_known = health.has_percentage_used();
  for (v1::AtaAttribute& attribute : *health.mutable_attributes()) {
    SetParts(health.drive().model(), attribute);
    SetCounter(attribute, health);
    if (!endurance_is_known) SetEndurance(attribute, health);
  }
}

}  // namespace remapfleet::agent
