-- Looked for every second, or for each answer of a node; few of many.
create index plan_waiting on plan (expire_time) where state = 1;
create index plan_in_flight on plan (host_id, device_name) where state in (1, 2, 3);
create index plan_unmeasured on plan (apply_time) where state = 4 and effect_time is null;

comment on column host.connected is 'has an open stream, as far as its gateway could say so: believe it only while last_seen is new';
