#include "support/error.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "support/grpc_status.h"

namespace remapfleet {
namespace {

TEST(Error, NamesAndNumbersAreGrpcs) {
  for (int number = 1; number <= 16; ++number) {
    const Error error(static_cast<Code>(number), "why");
    const grpc::Status status = ToGrpc(error);
    EXPECT_EQ(status.error_code(), number);
    EXPECT_EQ(FromGrpc(status).ToString(), error.ToString());
    EXPECT_EQ(CodeName(error.code()) == "UNKNOWN", number == 2);
  }
}

TEST(Error, ContextComesFirst) {
  const Error error = Error(Code::kNotFound, "no such disk").Because("reading /dev/sdx");
  EXPECT_EQ(error.ToString(), "NOT_FOUND: reading /dev/sdx: no such disk");
}

TEST(Error, ErrnoKeepsItsMeaning) {
  EXPECT_EQ(Error::FromErrno(ENODEV, "x").code(), Code::kNotFound);
  EXPECT_EQ(Error::FromErrno(EIO, "x").code(), Code::kDataLoss);
  EXPECT_EQ(Error::FromErrno(EBUSY, "x").code(), Code::kFailedPrecondition);
  EXPECT_EQ(Error::FromErrno(EACCES, "file f").message(), "file f: Permission denied");
}

}  // namespace
}  // namespace remapfleet
