-- Payments, cards and recharges of the accounts as they were last written; the content is as the store has it.
create table account_record (
  partition integer not null,
  name text not null,
  -- Grows with each write to the partition.
  version bigint not null,
  content text not null,
  primary key (partition, name)
);
create index account_record_version on account_record (partition, version);

alter table progress add column record bigint not null default 0;
