#include "agent/disks/ata_counters.h"

#include <array>

namespace remapfleet::agent {
namespace {

struct Counter {
  std::uint32_t id;
  int bits;  // vendors keep other things above
  void (v1::DriveHealth::*set)(std::uint64_t);
};

constexpr std::array<Counter, 4> kCounters = {{
    {5, 32, &v1::DriveHealth::set_reallocated_sectors},
    {187, 32, &v1::DriveHealth::set_reported_uncorrectable_errors},
    {197, 32, &v1::DriveHealth::set_pending_sectors},
    {198, 32, &v1::DriveHealth::set_offline_uncorrectable_sectors},
}};

}  // namespace

void SetAtaCounters(v1::DriveHealth& health) {
  for (const Counter& counter : kCounters) {
    for (const v1::AtaAttribute& attribute : health.attributes()) {
      if (attribute.id() != counter.id) continue;
      (health.*counter.set)(attribute.raw() & ((std::uint64_t{1} << counter.bits) - 1));
    }
  }
}

}  // namespace remapfleet::agent
