#include "errclass.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace {

TEST(ErrorClass, OnlyTheMediumsErrorsAreOfTheMedium) {
  for (int err : {-EIO, -ENODATA, -EILSEQ}) {
    EXPECT_EQ(rm_err_classify(err), RM_ERR_MEDIUM) << err;
  }
  for (int err : {-ENODEV, -ENXIO, -ENOLINK}) {
    EXPECT_EQ(rm_err_classify(err), RM_ERR_GONE) << err;
  }
  for (int err :
       {-ETIMEDOUT, -EOPNOTSUPP, -ENOSPC, -ENOMEM, -EAGAIN, -EREMOTEIO, -EBADE, -EBUSY, -EROFS}) {
    EXPECT_EQ(rm_err_classify(err), RM_ERR_OTHER) << err;
  }
  EXPECT_EQ(rm_err_classify(0), RM_ERR_NONE);
}

TEST(Burst, AllowsTheLimitInAnyMinute) {
  rm_burst b = {};
  for (int i = 0; i < 5; i++) EXPECT_TRUE(rm_burst_allow(&b, 100, 5));
  EXPECT_FALSE(rm_burst_allow(&b, 100, 5));
  EXPECT_FALSE(rm_burst_allow(&b, 159, 5));
  // 100.9 to 160.1 is less than a minute
  EXPECT_FALSE(rm_burst_allow(&b, 160, 5));
  EXPECT_TRUE(rm_burst_allow(&b, 161, 5));
}

TEST(Burst, SlidesInsteadOfJumping) {
  rm_burst b = {};
  for (int second = 60; second < 120; second++) EXPECT_TRUE(rm_burst_allow(&b, second, 60));
  EXPECT_FALSE(rm_burst_allow(&b, 120, 60));
  EXPECT_TRUE(rm_burst_allow(&b, 121, 60));
  EXPECT_FALSE(rm_burst_allow(&b, 121, 60));
}

TEST(Burst, ZeroMeansNoLimit) {
  rm_burst b = {};
  for (int i = 0; i < 10000; i++) ASSERT_TRUE(rm_burst_allow(&b, 7, 0));
}

}  // namespace
