#include "tests/sim/model.h"

#include <algorithm>

namespace remapfleet::sim {

Model::Model(std::uint64_t sectors) : sectors_(sectors) {
  for (auto& s : sectors_) s.candidates.push_back({kInitial, 0, 0, kNever, false});
}

std::uint64_t Model::BeginWrite(std::uint64_t sector, std::uint64_t n, std::uint64_t value) {
  const std::uint64_t start = ++clock_;
  writing_[start] = {sector, n, value, start, 0};
  for (std::uint64_t i = sector; i < sector + n; i++) {
    sectors_[i].candidates.push_back({value, start, kNever, kNever, false});
    sectors_[i].settled = false;
  }
  return start;
}

void Model::Purge(Sector& s) {
  const std::uint64_t oldest = reading_.empty() ? kNever : reading_.begin()->first;
  std::erase_if(s.candidates,
                [oldest](const Candidate& c) { return c.durably && c.replaced < oldest; });
}

// Whatever ended before w began is no longer there.
void Model::Replace(const Write& w, std::uint64_t when, bool durably) {
  for (std::uint64_t i = w.sector; i < w.sector + w.n; i++) {
    for (Candidate& c : sectors_[i].candidates) {
      if (c.end >= w.start) continue;
      c.replaced = std::min(c.replaced, when);
      c.durably |= durably;
    }
    Purge(sectors_[i]);
  }
}

void Model::EndWrite(std::uint64_t token, bool acknowledged, bool durable) {
  const std::uint64_t now = ++clock_;
  auto at = writing_.find(token);
  Write w = at->second;
  writing_.erase(at);
  for (std::uint64_t i = w.sector; i < w.sector + w.n; i++)
    for (Candidate& c : sectors_[i].candidates)
      if (c.start == w.start) c.end = now;
  if (!acknowledged) return;
  w.acknowledged = now;
  Replace(w, now, durable);
  if (!durable) volatile_.push_back(w);
}

void Model::RefuseWrite(std::uint64_t token) {
  const Write w = writing_.at(token);
  EndWrite(token, false, false);
  for (std::uint64_t i = w.sector; i < w.sector + w.n; i++)
    for (Candidate& c : sectors_[i].candidates)
      if (c.start == w.start) c.refused = true;
}

void Model::BeginReload() {
  reloading_ = true;
  for (Sector& s : sectors_)
    for (Candidate& c : s.candidates) c.unseen = kNever;
}

void Model::EndFlush(std::uint64_t token) {
  ++clock_;
  std::erase_if(volatile_, [this, token](const Write& w) {
    if (w.acknowledged > token) return false;
    Replace(w, w.acknowledged, true);
    return true;
  });
}

std::uint64_t Model::BeginRead() {
  reading_.emplace(++clock_, 0);
  return clock_;
}

void Model::DropRead(std::uint64_t token) { reading_.erase(reading_.find(token)); }

std::string Model::EndRead(std::uint64_t token, std::uint64_t sector, std::uint64_t n,
                           const std::uint8_t* data) {
  const std::uint64_t now = ++clock_;
  std::string wrong;
  for (std::uint64_t i = 0; i < n && wrong.empty(); i++) {
    Sector& s = sectors_[sector + i];
    std::uint64_t value = 0;
    std::string what;
    bool found = false;
    bool quiet = true;
    if (SectorValue(sector + i, data + i * kSector, &value, &what)) {
      for (const Candidate& c : s.candidates) {
        found |= c.value == value && std::min(c.replaced, c.unseen) > token;
        quiet &= c.end < token;
      }
      what = "value " + std::to_string(value);
    }
    if (!found) {
      wrong = "sector " + std::to_string(sector + i) + " reads as " + what +
              "; possible: " + Describe(sector + i);
    } else if (quiet) {
      // seen once, it is what is there
      for (Candidate& c : s.candidates) {
        if (c.value == value) continue;
        if (c.refused && reloading_) continue;
        auto& gone = c.refused && !s.settled ? c.unseen : c.replaced;
        gone = std::min(gone, now);
        c.durably |= s.settled;
      }
      Purge(s);
    }
  }
  DropRead(token);
  return wrong;
}

void Model::Crash() {
  const std::uint64_t now = ++clock_;
  for (Sector& s : sectors_) {
    std::erase_if(s.candidates, [](const Candidate& c) { return c.durably; });
    for (Candidate& c : s.candidates) {
      c.replaced = c.unseen = kNever;
      c.end = std::min(c.end, now);
    }
    s.settled = true;
  }
  writing_.clear();
  volatile_.clear();
  reading_.clear();
  reloading_ = false;
}

std::string Model::Describe(std::uint64_t sector) const {
  std::string text;
  for (const Candidate& c : sectors_[sector].candidates) {
    text += (text.empty() ? "" : ", ") + std::to_string(c.value) + " [" + std::to_string(c.start) +
            ".." + (c.end == kNever ? "" : std::to_string(c.end)) + ")";
    if (c.replaced != kNever) text += " replaced at " + std::to_string(c.replaced);
  }
  return text + "; now " + std::to_string(clock_);
}

}  // namespace remapfleet::sim
