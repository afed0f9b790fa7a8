-- Where the store went on from an older state than the archive had: a reader whose place is from before goes back to there.
create table fork (
  partition integer not null,
  -- Counted up from 1.
  epoch integer not null,
  -- The last entry in common.
  number bigint not null,
  found_at timestamptz not null default now(),
  primary key (partition, epoch)
);
