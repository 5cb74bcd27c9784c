-- A drive that was pulled keeps its history, and is counted no more.
alter table drive add column gone_at timestamptz;
comment on column drive.gone_at is 'since when its host does not have it any more; null while it has';

create table drive_inventory (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    boot_id uuid not null,
    seq bigint not null,
    drives integer not null,
    body bytea not null,
    primary key (host_id, drive_id, time, boot_id, seq)
) partition by range (time);
comment on table drive_inventory is 'which drives a host had, each time that one came or went; drive_id is empty: it is the host''s';

create or replace function daily_tables() returns text[] language sql immutable as
    $$ select array['health_sample', 'io_error', 'weak_block', 'remap_status', 'telemetry_gap', 'outcome',
        'drive_inventory'] $$;

-- Indexes have partitions too, with other names, and the planner may look at the name before it knows of what it is.
create or replace view daily_partition as
select parent.relname::text as table_name, part.relname::text as partition_name,
    case when part.relname ~ '_[0-9]{8}$' then to_date(right(part.relname, 8), 'YYYYMMDD') end as day
from pg_inherits
join pg_class part on part.oid = inhrelid
join pg_class parent on parent.oid = inhparent
where parent.relnamespace = current_schema()::regnamespace and parent.relname = any (daily_tables());
