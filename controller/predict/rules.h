#pragma once

#include "controller/predict/features.h"
#include "remapfleet/v1/operator.pb.h"

namespace remapfleet {

inline constexpr char kRulesModel[] = "rules-1";

// The baseline model: rules that operators have long used. Its score orders drives; it is not
// calibrated and no false-alarm rate is claimed for it. Pure. More errors never lower the score;
// what is absent adds nothing. Leaves Risk.time unset.
v1::Risk ScoreByRules(const DriveFeatures& features);

}  // namespace remapfleet
