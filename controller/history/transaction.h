#pragma once

#include <google/protobuf/message_lite.h>

#include <pqxx/pqxx>
#include <string>

#include "support/clock.h"

namespace remapfleet {

struct Transaction {
  pqxx::work& work;
};

// A message as PostgreSQL's text form of bytea.
std::string ToBytea(const google::protobuf::MessageLite& message);
std::string ToBytea(std::string_view bytes);

// A bytea column; empty for null.
std::string Bytes(const pqxx::field& field);

template <class Message>
Message Parse(const pqxx::field& field) {
  Message message;
  message.ParseFromString(Bytes(field));
  return message;
}

// A timestamptz selected as `extract(epoch from …) * 1000000`, cast to bigint; null is the epoch.
inline TimePoint Micros(const pqxx::field& field) {
  return TimePoint(std::chrono::microseconds(field.is_null() ? 0 : field.as<std::int64_t>()));
}

// RFC 3339, which PostgreSQL reads.
inline std::string ToSql(TimePoint time) { return FormatTime(time); }

}  // namespace remapfleet
