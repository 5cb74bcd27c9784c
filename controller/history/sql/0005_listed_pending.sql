-- A block that the target lists as pending is evidence by itself: the event of its error may have passed while the agent
-- was away. That event says more, so it is given time to arrive first.
alter table evidence add column due timestamptz not null default now();
comment on table evidence is 'errors, weak blocks and newly listed pending blocks not yet decided on; a decision deletes them in its own transaction';
comment on column evidence.due is 'not to be decided on before';
