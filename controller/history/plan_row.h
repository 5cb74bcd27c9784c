#pragma once

#include "controller/history/transaction.h"
#include "remapfleet/v1/operator.pb.h"

namespace remapfleet {

// `select <kPlanColumns> from plan …`, and its row as a message.
inline constexpr char kPlanColumns[] =
    "plan_id, host_id, drive_id, device_name, action, state, generation, created_by, decided_by, "
    "reason, error, effect, detail, (extract(epoch from create_time) * 1000000)::bigint as "
    "created, "
    "(extract(epoch from update_time) * 1000000)::bigint as updated, "
    "(extract(epoch from issue_time) * 1000000)::bigint as issued, "
    "(extract(epoch from apply_time) * 1000000)::bigint as applied";

v1::Plan PlanFromRow(const pqxx::row& row);

}  // namespace remapfleet
