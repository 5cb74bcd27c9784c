-- A drive that was pulled keeps its history, and is counted no more.
alter table drive add column gone_at timestamptz;
comment on column drive.gone_at is 'since when its host does not have it any more; null while it has';
