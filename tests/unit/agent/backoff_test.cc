#include "agent/link/backoff.h"

#include <gtest/gtest.h>

namespace remapfleet::agent {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, StaysBelowADoublingCeilingUpToItsLongest) {
  Backoff backoff(milliseconds(100), milliseconds(1000), 1);
  std::vector<milliseconds> most(6, milliseconds(0));
  for (int round = 0; round < 500; ++round) {
    backoff.Reset();
    for (milliseconds& longest : most) longest = std::max(longest, backoff.Next());
  }
  const int ceilings[] = {100, 200, 400, 800, 1000, 1000};
  for (std::size_t i = 0; i < most.size(); ++i) {
    EXPECT_LE(most[i], milliseconds(ceilings[i]));
    EXPECT_GT(most[i], milliseconds(ceilings[i] * 8 / 10));
  }
}

TEST(Backoff, TwoNodesDoNotComeBackInStep) {
  Backoff a(milliseconds(1000), milliseconds(1000), 1);
  Backoff b(milliseconds(1000), milliseconds(1000), 2);
  int same = 0;
  for (int i = 0; i < 100; ++i) same += a.Next() == b.Next() ? 1 : 0;
  EXPECT_LT(same, 10);
}

}  // namespace
}  // namespace remapfleet::agent
