-- Hosts, drives and their history; desired states and plans; audit. Times are UTC; sectors are 512 bytes of the whole
-- drive; a column named `body` or `detail` holds the protobuf message that its comment names.

create table host (
    host_id text primary key,
    hostname text not null default '',
    agent_version text not null default '',
    session_epoch bigint not null default 0,
    connected boolean not null default false,
    first_seen timestamptz not null default now(),
    last_seen timestamptz not null default now()
);
comment on column host.session_epoch is 'grows with each stream; a stream with a lower one is fenced';

create table drive (
    host_id text not null references host,
    drive_id text not null,
    identity bytea not null,
    health bytea,
    health_time timestamptz,
    remap bytea,
    remap_time timestamptz,
    risk bytea,
    primary key (host_id, drive_id)
);
comment on table drive is 'newest known of each drive; identity, health, remap, risk are messages of types.proto and telemetry.proto';

create table stream_position (
    host_id text not null references host,
    boot_id uuid not null,
    through_seq bigint not null,
    primary key (host_id, boot_id)
);
comment on table stream_position is 'records up to and with through_seq are committed; updated with them';

create table health_sample (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    boot_id uuid not null,
    seq bigint not null,
    temperature_celsius double precision,
    power_on_hours bigint,
    reallocated_sectors bigint,
    pending_sectors bigint,
    offline_uncorrectable_sectors bigint,
    reported_uncorrectable_errors bigint,
    attribute_ids smallint[] not null,
    attribute_raws bigint[] not null,
    body bytea not null,
    primary key (host_id, drive_id, time, boot_id, seq)
) partition by range (time);
comment on column health_sample.body is 'Record';

create table io_error (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    boot_id uuid not null,
    seq bigint not null,
    first_sector bigint not null,
    sector_count bigint not null,
    operation smallint not null,
    errno integer not null,
    count bigint not null,
    body bytea not null,
    primary key (host_id, drive_id, time, boot_id, seq)
) partition by range (time);

create table weak_block (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    boot_id uuid not null,
    seq bigint not null,
    first_sector bigint not null,
    sector_count bigint not null,
    latency_us bigint not null,
    failed_reads integer not null,
    readable boolean not null,
    body bytea not null,
    primary key (host_id, drive_id, time, boot_id, seq)
) partition by range (time);

create table remap_status (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    boot_id uuid not null,
    seq bigint not null,
    device_name text not null,
    mode text not null,
    remaps bigint not null,
    pending bigint not null,
    body bytea not null,
    primary key (host_id, drive_id, time, boot_id, seq)
) partition by range (time);

create table telemetry_gap (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    boot_id uuid not null,
    seq bigint not null,
    lost_records bigint not null,
    reason text not null,
    body bytea not null,
    primary key (host_id, drive_id, time, boot_id, seq)
) partition by range (time);
comment on column telemetry_gap.drive_id is 'always empty: a gap is the host''s';

create table evidence (
    host_id text not null,
    drive_id text not null,
    boot_id uuid not null,
    seq bigint not null,
    body bytea not null,
    received timestamptz not null default now(),
    primary key (host_id, drive_id, boot_id, seq)
);
comment on table evidence is 'errors and weak blocks not yet decided on; a decision deletes them in its own transaction';

create table desired_state (
    host_id text not null references host,
    kind text not null,
    generation bigint not null,
    nonce text not null,
    spec bytea not null,
    spec_sha256 bytea not null,
    plan_id text not null default '',
    good_spec bytea not null,
    stage smallint not null default 0,
    error text not null default '',
    read_back bytea,
    updated timestamptz not null default now(),
    primary key (host_id, kind)
);
comment on column desired_state.stage is '0 not sent, 1 accepted, 2 applied, 3 rejected (Outcome.Stage)';
comment on column desired_state.good_spec is 'RemapDeviceSpec that was applied last, or configured';

create table plan (
    plan_id text primary key,
    host_id text not null,
    drive_id text not null,
    device_name text not null,
    action smallint not null,
    state smallint not null,
    block_count bigint not null,
    generation bigint not null default 0,
    created_by text not null,
    decided_by text not null default '',
    reason text not null,
    error text not null default '',
    effect text not null default '',
    detail bytea not null,
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    issue_time timestamptz,
    apply_time timestamptz,
    expire_time timestamptz,
    effect_time timestamptz
);
comment on column plan.state is 'Plan.State';
comment on column plan.block_count is 'blocks of the target that the ranges cover';
comment on column plan.detail is 'Plan with ranges, evidence and read_back only';
create index plan_by_drive on plan (host_id, drive_id, create_time);
create index plan_by_time on plan (create_time, plan_id);

create table risk_score (
    host_id text not null,
    drive_id text not null,
    time timestamptz not null,
    model text not null,
    score double precision not null check (score >= 0 and score <= 1),
    reasons text[] not null,
    primary key (host_id, drive_id, time)
);

create table request (
    request_id uuid primary key,
    actor text not null,
    method text not null,
    response bytea not null,
    time timestamptz not null default now()
);
comment on table request is 'answers already given: a repeated request_id gets the same one';

create table audit (
    audit_id bigint primary key,
    time timestamptz not null,
    actor text not null,
    action text not null,
    subject text not null,
    detail text not null,
    previous_hash bytea not null,
    hash bytea not null
);
comment on column audit.hash is 'sha256(previous_hash || time || actor || action || subject || detail), parts ended by a zero byte';

create function audit_append(p_actor text, p_action text, p_subject text, p_detail text) returns void
language plpgsql as $$
declare
    v_time timestamptz := clock_timestamp();
    v_last record;
    v_previous bytea := '\x';
    v_id bigint := 1;
begin
    -- One chain, so one writer at a time; held until commit.
    perform pg_advisory_xact_lock(7236519);
    select audit_id, hash into v_last from audit order by audit_id desc limit 1;
    if found then
        v_previous := v_last.hash;
        v_id := v_last.audit_id + 1;
    end if;
    insert into audit values (
        v_id, v_time, p_actor, p_action, p_subject, p_detail, v_previous,
        sha256(v_previous
            || convert_to(extract(epoch from v_time)::text, 'UTF8') || '\x00'::bytea
            || convert_to(p_actor, 'UTF8') || '\x00'::bytea || convert_to(p_action, 'UTF8') || '\x00'::bytea
            || convert_to(p_subject, 'UTF8') || '\x00'::bytea || convert_to(p_detail, 'UTF8') || '\x00'::bytea));
end
$$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit is append-only';
end
$$;
create trigger audit_is_append_only before update or delete or truncate on audit
    for each statement execute function refuse_change();

-- Makes the partitions of one day (UTC) where they are missing. Two replicas may ask at once.
create function ensure_partitions(p_day date) returns void language plpgsql as $$
declare
    v_table text;
begin
    if to_regclass('telemetry_gap_' || to_char(p_day, 'YYYYMMDD')) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(7236520);
    foreach v_table in array array['health_sample', 'io_error', 'weak_block', 'remap_status', 'telemetry_gap'] loop
        execute format('create table if not exists %I partition of %I for values from (%L) to (%L)',
            v_table || '_' || to_char(p_day, 'YYYYMMDD'), v_table,
            to_char(p_day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(p_day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
    end loop;
end
$$;
