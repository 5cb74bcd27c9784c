-- Errors that an agent's own checks met say where a drive is bad, not how often the host suffers.
alter table io_error add column provoked boolean not null default false;
