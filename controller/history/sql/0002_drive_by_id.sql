-- Operators name a drive by its id alone, and it may have moved between hosts.
create index drive_by_id on drive (drive_id);
