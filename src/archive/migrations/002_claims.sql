-- The archive's own name, which the store keeps: a store has one archive.
alter table installation add column archive text not null default gen_random_uuid()::text;
-- How often the archive looked after the store. The store counts as well, so an older copy of it has counted less.
alter table installation add column beats bigint not null default 0;
alter table installation add column beat_at timestamptz not null default 'epoch';
