-- What the store tells, kept for ever. Money is numeric with six places, instants are UTC.
-- Tables that grow with traffic are parted by month; months are added as they come (months.ts).

-- Which store this is the archive of; one row.
create table installation (
  id text primary key
);

-- Up to where each partition of the store was read: moved in the transaction that writes the rows, so that every entry
-- is here exactly once, whoever dies when.
create table progress (
  partition integer primary key,
  journal bigint not null default 0,
  -- Of the entry with that number: a store that lost its last writes has another one there.
  journal_digest text not null default '',
  cdr_number bigint not null default 0,
  cdr_level integer not null default 0,
  event text not null default '0-0',
  -- Profiles were read whole once; from then on those that change are.
  has_profiles boolean not null default false
);

-- Every entry as it is stored: replayed from the first they give every balance.
create table journal (
  at timestamptz not null,
  partition integer not null,
  number bigint not null,
  kind text not null,
  call text,
  entry text not null,
  balances text not null,
  primary key (at, partition, number)
) partition by range (at);
create index journal_number on journal (partition, number);

-- What entries moved of an account's credit and minutes: the sum of `amount` is its credit.
create table posting (
  at timestamptz not null,
  partition integer not null,
  number bigint not null,
  account text not null,
  kind text not null,
  why text,
  call text,
  operation text,
  external_id text,
  amount numeric(20, 6) not null,
  pool_seconds bigint not null,
  -- Of the account, afterwards; null where no credit moved.
  balance numeric(20, 6),
  primary key (at, partition, number, account)
) partition by range (at);
create index posting_account on posting (account, at);
create index posting_number on posting (partition, number);

-- Every revision of every CDR; of those of one call and account the last is `current`.
create table cdr (
  ended_at timestamptz not null,
  partition integer not null,
  number bigint not null,
  level integer not null,
  account text not null,
  payer text not null,
  call text not null,
  revision integer not null,
  current boolean not null,
  direction text not null,
  from_number text not null,
  to_number text not null,
  user_id text not null,
  trunk text not null,
  destination text not null,
  funded_by text not null,
  cause text not null,
  flags text not null,
  started_at timestamptz not null,
  answered_at timestamptz,
  seconds bigint not null,
  billed_seconds bigint not null,
  pool_seconds bigint not null,
  trunk_seconds bigint not null,
  overrun_seconds bigint not null,
  charge numeric(20, 6) not null,
  currency text not null,
  cdr text not null,
  primary key (ended_at, partition, number, level)
) partition by range (ended_at);
create index cdr_account on cdr (account, ended_at);
create index cdr_number on cdr (partition, number, level);
create index cdr_call on cdr (call);

create table event (
  at timestamptz not null,
  partition integer not null,
  id text not null,
  type text not null,
  account text not null,
  fields text not null,
  primary key (at, partition, id)
) partition by range (at);
create index event_account on event (account, at);

-- The newest profile of every account.
create table account (
  id text primary key,
  partition integer not null,
  version bigint not null,
  profile text not null
);
create index account_partition on account (partition, id);

-- What belongs to no partition: settings of the store, tariffs, hashes of API keys.
create table document (
  name text primary key,
  content text not null
);

-- Entries and CDRs that were archived and that the store lost afterwards, when its machine died between two writes to
-- its disk: the store went on without them, so they are in no balance.
create table lost (
  partition integer not null,
  number bigint not null,
  -- 0 is the entry, others are CDRs.
  level integer not null,
  body text not null,
  found_at timestamptz not null default now(),
  primary key (partition, number, level, found_at)
);

create table journal_other partition of journal default;
create table posting_other partition of posting default;
create table cdr_other partition of cdr default;
create table event_other partition of event default;
