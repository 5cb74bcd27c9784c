create table drive_latency (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    boot_id uuid not null,
    seq bigint not null,
    reads bigint,
    writes bigint,
    mean_read_us bigint,
    mean_write_us bigint,
    peer_ratio double precision,
    slow boolean,
    body bytea not null,
    primary key (host_id, drive_id, time, boot_id, seq)
) partition by range (time);
comment on table drive_latency is 'how long a drive took for its I/O in the interval that ended then; idle intervals have no row; what is not known is null';
comment on column drive_latency.peer_ratio is 'its mean by the median of its host''s other drives of its kind';

create or replace function daily_tables() returns text[] language sql immutable as
    $$ select array['health_sample', 'io_error', 'weak_block', 'remap_status', 'telemetry_gap', 'outcome',
        'drive_inventory', 'drive_latency'] $$;
