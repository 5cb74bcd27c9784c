-- A flush that failed is an error of the drive, and of no place on it.
alter table io_error alter column first_sector drop not null;
alter table io_error alter column sector_count drop not null;
comment on column io_error.first_sector is 'in 512-byte sectors; null if it has no place';
comment on column io_error.sector_count is 'in 512-byte sectors; null if it has no place';
