#include "agent/remap/desired_store.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/delimited_message_util.h>
#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
#include <sstream>

#include "support/spec_hash.h"

namespace remapfleet::agent {
namespace {

namespace util = google::protobuf::util;

std::string Encode(const StoredDesired& stored) {
  std::ostringstream bytes;
  google::protobuf::BoolValue told;
  told.set_value(stored.told);
  util::SerializeDelimitedToOstream(stored.desired, &bytes);
  util::SerializeDelimitedToOstream(stored.outcome, &bytes);
  util::SerializeDelimitedToOstream(told, &bytes);
  return bytes.str();
}

bool Decode(const std::string& bytes, StoredDesired& stored) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::BoolValue told;
  if (!util::ParseDelimitedFromZeroCopyStream(&stored.desired, &stream, nullptr) ||
      !util::ParseDelimitedFromZeroCopyStream(&stored.outcome, &stream, nullptr) ||
      !util::ParseDelimitedFromZeroCopyStream(&told, &stream, nullptr)) {
    return false;
  }
  stored.told = told.value();
  return stored.desired.spec_sha256() == SpecHash(stored.desired.remap_device());
}

}  // namespace

Result<DesiredStore> DesiredStore::Open(FileSystem& files, const std::string& folder) {
  if (auto made = files.MakeFolder(folder); !made) return Fail(made.error());
  return DesiredStore(files, folder);
}

std::string DesiredStore::PathOf(const std::string& kind) const {
  std::string name = kind;
  std::replace(name.begin(), name.end(), '/', '.');
  return folder_ + "/" + name;
}

Result<std::optional<StoredDesired>> DesiredStore::ReadStored(const std::string& path) const {
  const auto bytes = files_->Read(path);
  if (!bytes && bytes.error().code() == Code::kNotFound) return std::nullopt;
  if (!bytes) return Fail(bytes.error());
  StoredDesired stored;
  if (!Decode(*bytes, stored)) {
    return Fail(Code::kDataLoss,
                path + ": damaged; move it away to fall back to the configuration");
  }
  return stored;
}

Result<std::optional<StoredDesired>> DesiredStore::Newest(const std::string& kind) const {
  return ReadStored(PathOf(kind));
}

Result<std::optional<StoredDesired>> DesiredStore::LastGood(const std::string& kind) const {
  return ReadStored(PathOf(kind) + ".good");
}

Status DesiredStore::Save(const StoredDesired& stored) {
  const std::string bytes = Encode(stored);
  const std::string path = PathOf(stored.desired.kind());
  // The good one first: after a crash between the two, the newest is applied once more, a no-op.
  if (stored.outcome.stage() == v1::Outcome::STAGE_APPLIED) {
    if (auto written = files_->WriteDurably(path + ".good", bytes); !written) return written;
  }
  return files_->WriteDurably(path, bytes);
}

Result<std::optional<v1::RemapDeviceSpec>> DesiredStore::Pinned(const std::string& kind) const {
  auto stored = ReadStored(PinPath(kind));
  if (!stored) return Fail(stored.error());
  if (!*stored) return std::nullopt;
  return (*stored)->desired.remap_device();
}

Status DesiredStore::Pin(const v1::RemapDeviceSpec& spec) {
  StoredDesired stored;
  stored.desired.set_kind(KindOf(spec));
  *stored.desired.mutable_remap_device() = spec;
  stored.desired.set_spec_sha256(SpecHash(spec));
  return files_->WriteDurably(PinPath(stored.desired.kind()), Encode(stored));
}

}  // namespace remapfleet::agent
