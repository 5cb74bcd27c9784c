#include "agent/link/certificate_watch.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "support/tls.h"

namespace remapfleet::agent {

CertificateWatch::CertificateWatch(FileSystem& files, std::string path, const Clock& clock)
    : files_(files),
      path_(std::move(path)),
      clock_(clock),
      thread_([this](std::stop_token stop) { Run(stop); }) {}

std::optional<TimePoint> CertificateWatch::Ends() const {
  const auto pem = files_.Read(path_);
  if (!pem) return std::nullopt;
  const auto life = ReadCertificateLife(*pem);
  return life ? std::optional(life->ends) : std::nullopt;
}

std::string CertificateWatch::Warning() const {
  const auto pem = files_.Read(path_);
  if (!pem) return pem.error().message();
  const auto life = ReadCertificateLife(*pem);
  if (!life) return path_ + ": " + life.error().message();
  const auto left = life->ends - clock_.Now();
  if (left <= left.zero()) {
    return fmt::format("{} ended at {}: no new stream to the controller can begin; renew it", path_,
                       FormatTime(life->ends));
  }
  if (left >= (life->ends - life->begins) / 3) return {};
  return fmt::format("{} ends at {}, in {} days: renew it; it is read again for the next stream",
                     path_, FormatTime(life->ends),
                     std::chrono::duration_cast<std::chrono::days>(left).count());
}

void CertificateWatch::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (const std::string warning = Warning(); !warning.empty()) {
      spdlog::warn("certificate: {}", warning);
    }
    std::unique_lock lock(mutex_);
    sleeper_.wait_for(lock, stop, std::chrono::days(1), [] { return false; });
  }
}

}  // namespace remapfleet::agent
