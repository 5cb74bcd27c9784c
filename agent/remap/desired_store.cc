#include "agent/remap/desired_store.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/delimited_message_util.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "agent/posix/files.h"

namespace remapfleet::agent {
namespace {

namespace util = google::protobuf::util;

Result<std::optional<StoredDesired>> ReadStored(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  auto bytes = ReadFile(path);
  if (!bytes) return Fail(bytes.error());
  google::protobuf::io::ArrayInputStream stream(bytes->data(), static_cast<int>(bytes->size()));
  StoredDesired stored;
  bool clean_eof = false;
  if (!util::ParseDelimitedFromZeroCopyStream(&stored.desired, &stream, &clean_eof) ||
      !util::ParseDelimitedFromZeroCopyStream(&stored.outcome, &stream, &clean_eof)) {
    return Fail(Code::kDataLoss,
                path + ": damaged; move it away to fall back to the configuration");
  }
  return stored;
}

}  // namespace

Result<DesiredStore> DesiredStore::Open(const std::string& folder) {
  if (auto made = MakeFolder(folder); !made) return Fail(made.error());
  return DesiredStore(folder);
}

std::string DesiredStore::PathOf(const std::string& kind) const {
  std::string name = kind;
  std::replace(name.begin(), name.end(), '/', '.');
  return folder_ + "/" + name;
}

Result<std::optional<StoredDesired>> DesiredStore::Newest(const std::string& kind) const {
  return ReadStored(PathOf(kind));
}

Result<std::optional<StoredDesired>> DesiredStore::LastGood(const std::string& kind) const {
  return ReadStored(PathOf(kind) + ".good");
}

Status DesiredStore::Save(const StoredDesired& stored) {
  std::ostringstream bytes;
  util::SerializeDelimitedToOstream(stored.desired, &bytes);
  util::SerializeDelimitedToOstream(stored.outcome, &bytes);
  const std::string path = PathOf(stored.desired.kind());
  // The good one first: after a crash between the two, the newest is applied once more, a no-op.
  if (stored.outcome.stage() == v1::Outcome::STAGE_APPLIED) {
    if (auto written = WriteFileDurably(path + ".good", bytes.str()); !written) return written;
  }
  return WriteFileDurably(path, bytes.str());
}

}  // namespace remapfleet::agent
