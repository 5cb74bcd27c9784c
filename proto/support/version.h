#pragma once

namespace remapfleet {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace remapfleet
