#pragma once

#include <tl/expected.hpp>

#include "support/error.h"

namespace remapfleet {

// A value or the reason why there is none. Exceptions never cross a module's edge.
template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// `return Fail(Code::kNotFound, "…")` from a function that returns a Result of anything.
inline tl::unexpected<Error> Fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error(code, std::move(message)));
}
inline tl::unexpected<Error> Fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace remapfleet
