#include "tests/crash/medium.h"

#include <cstring>

#include "tests/sim/content.h"

namespace remapfleet::crash {

using sim::kSector;

Medium::Medium(const History& history, std::uint64_t seed, Lie lie)
    : history_(history), lie_(lie), random_(seed) {
  for (const SliceShape& shape : history.slices())
    slices_.push_back({&shape, std::vector<std::uint8_t>(shape.sectors * kSector), {}, {}});
}

Medium::Slice* Medium::Of(const Entry& e) {
  for (Slice& s : slices_)
    if (e.sector >= s.shape->start && e.sector < s.shape->start + s.shape->sectors) return &s;
  return nullptr;
}

void Medium::WriteDurable(std::size_t i) {
  const Entry& e = history_.entry(i);
  Slice* s = Of(e);
  const std::uint64_t first = e.sector - s->shape->start;
  std::memcpy(s->durable.data() + first * kSector, e.data, e.sectors * kSector);
  for (std::uint64_t n = first; n < first + e.sectors; n++) {
    s->cached.erase(n);
    s->fua[n] = i;
  }
}

// A write with FUA that came later is not undone by what the log names behind it.
void Medium::Cache(std::size_t i) {
  static const std::uint8_t zeros[kSector] = {};
  const Entry& e = history_.entry(i);
  const Operation* by = history_.Writer(i);
  submitted_.erase(i);
  if (taken_.erase(i) != 0) return;
  if (e.discard && random_.OneIn(2)) return;  // a disk may do nothing about it
  Slice* s = Of(e);
  for (std::uint64_t n = 0; n < e.sectors; n++) {
    const std::uint64_t sector = e.sector - s->shape->start + n;
    const auto fua = s->fua.find(sector);
    if (by != nullptr && fua != s->fua.end() && fua->second > by->end) continue;
    s->cached[sector].push_back({e.data != nullptr ? e.data + n * kSector : zeros, i, by});
  }
}

template <class IsDurable>
void Medium::Settle(Slice* slice, const IsDurable& is_durable) {
  for (auto at = slice->cached.begin(); at != slice->cached.end();) {
    auto& versions = at->second;
    std::size_t keep = 0;
    for (std::size_t v = 0; v < versions.size(); v++)
      if (is_durable(versions[v])) keep = v + 1;
    if (keep != 0)
      std::memcpy(slice->durable.data() + at->first * kSector, versions[keep - 1].data, kSector);
    versions.erase(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(keep));
    at = versions.empty() ? slice->cached.erase(at) : std::next(at);
  }
}

void Medium::Flush(std::size_t begun) {
  if (Lies(Lie::kFlush)) return;
  // the log may still wait for another flush to name them
  std::vector<std::size_t> done;
  for (const std::size_t i : submitted_)
    if (history_.Writer(i)->end < begun) done.push_back(i);
  for (const std::size_t i : done) {
    Cache(i);
    taken_.insert(i);
  }
  for (Slice& s : slices_)
    Settle(&s, [begun](const Version& v) { return v.by == nullptr || v.by->end < begun; });
}

void Medium::FlushBeforeMetadata() {
  for (std::size_t i = 1; i < slices_.size(); i++)
    Settle(&slices_[i], [this](const Version& v) { return v.entry < last_flush_; });
}

void Medium::Advance() {
  const std::size_t i = at_;
  const Entry& e = history_.entry(i);
  if (e.fua && e.metadata) FlushBeforeMetadata();
  at_++;
  if (const Operation* o = history_.Ends(i)) {
    if (o->kind == Operation::Kind::kFlush && o->error == 0) Flush(o->begin);
  } else if (e.mark == "filled") {
    for (Slice& s : slices_) Settle(&s, [](const Version&) { return true; });
  } else if (history_.Begins(i) != nullptr) {
    const auto& writes = history_.volatile_writes();
    while (next_volatile_ < writes.size() && history_.Writer(writes[next_volatile_])->begin <= i)
      submitted_.insert(writes[next_volatile_++]);
  } else if (e.writes()) {
    if (e.fua && (!Lies(Lie::kFua) || random_.OneIn(2)))
      WriteDurable(i);
    else
      Cache(i);
  }
  if (e.flush) last_flush_ = i;
}

// Submitted for sure, and nothing it may have waited for is still to come.
bool Medium::OnItsWay(std::size_t i) const {
  const std::size_t end = history_.Writer(i)->end;
  return end < at_ || history_.NextFua(at_) > end;
}

std::vector<Change> Medium::Crash(Survives survives, sim::Random* random) {
  std::vector<Change> changes;
  if (survives == Survives::kNothing) return changes;
  const Entry* next = at_ < history_.size() ? &history_.entry(at_) : nullptr;
  const bool torn =
      survives == Survives::kAnything && next != nullptr && next->fua && next->writes();
  if (torn && next->metadata) FlushBeforeMetadata();
  for (std::size_t n = 0; n < slices_.size(); n++) {
    for (const auto& [sector, versions] : slices_[n].cached) {
      std::uint64_t pick = versions.size();
      if (survives == Survives::kAnything) pick = random->Below(pick + 1);
      if (pick != 0) changes.push_back({n, sector, versions[pick - 1].data});
    }
  }
  if (survives == Survives::kLogged) return changes;
  const auto part = [&](std::size_t i) {
    const Entry& e = history_.entry(i);
    const Operation* by = history_.Writer(i);
    Slice* s = Of(e);
    for (std::uint64_t k = 0; k < e.sectors; k++) {
      const std::uint64_t sector = e.sector - s->shape->start + k;
      const auto fua = s->fua.find(sector);
      if (by != nullptr && fua != s->fua.end() && fua->second > by->end) continue;
      if (random->OneIn(2))
        changes.push_back(
            {static_cast<std::size_t>(s - slices_.data()), sector, e.data + k * kSector});
    }
  };
  for (const std::size_t i : submitted_)
    if (OnItsWay(i)) part(i);
  if (torn) part(at_);
  return changes;
}

}  // namespace remapfleet::crash
