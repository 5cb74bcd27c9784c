-- Outcomes are history too; partitions are made ahead, without a lock that ingest would wait for, and dropped by age; a
-- repeated request must be the same request.

create table outcome (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    boot_id uuid not null,
    seq bigint not null,
    kind text not null,
    generation bigint not null,
    stage smallint not null,
    body bytea not null,
    primary key (host_id, drive_id, time, boot_id, seq)
) partition by range (time);
comment on table outcome is 'every answer to a desired state, as it came; drive_id is empty: kind names the device';

-- Those that are partitioned by day, in the order in which a batch writes them.
create function daily_tables() returns text[] language sql immutable as
    $$ select array['health_sample', 'io_error', 'weak_block', 'remap_status', 'telemetry_gap', 'outcome'] $$;

create view daily_partition as
select parent.relname::text as table_name, part.relname::text as partition_name,
    to_date(right(part.relname, 8), 'YYYYMMDD') as day
from pg_inherits
join pg_class part on part.oid = inhrelid
join pg_class parent on parent.oid = inhparent
where parent.relnamespace = current_schema()::regnamespace and parent.relname = any (daily_tables());
comment on view daily_partition is 'the partitions that exist, by their day in UTC';

-- Makes the partitions of one day (UTC) where they are missing. Two replicas may ask at once. A new table is filled in
-- first and then attached: CREATE TABLE … PARTITION OF would hold up every reader and writer of its parent.
create or replace function ensure_partitions(p_day date) returns void language plpgsql as $$
declare
    v_table text;
    v_name text;
begin
    if (select count(*) from daily_partition where day = p_day) = cardinality(daily_tables()) then
        return;
    end if;
    perform pg_advisory_xact_lock(7236520);
    foreach v_table in array daily_tables() loop
        v_name := v_table || '_' || to_char(p_day, 'YYYYMMDD');
        continue when exists (select from daily_partition where partition_name = v_name);
        execute format('create table %I (like %I including all)', v_name, v_table);
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', v_table, v_name,
            to_char(p_day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(p_day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
    end loop;
end
$$;

-- Drops the partitions of days before p_day; returns how many.
create function drop_partitions(p_day date) returns integer language plpgsql as $$
declare
    v_name text;
    v_count integer := 0;
begin
    perform pg_advisory_xact_lock(7236520);
    for v_name in select partition_name from daily_partition where day < p_day loop
        execute format('drop table %I', v_name);
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$$;

alter table request add column body_sha256 bytea not null default '';
comment on column request.body_sha256 is 'of the request without its request_id and validate_only';
create index request_by_time on request (time);
create index risk_score_by_time on risk_score (time);
