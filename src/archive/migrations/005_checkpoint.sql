-- What the entries of a partition come to that had left the store before this archive took it over; the row without a name
-- is there for its number. A balance is the sum of these and of the archived entries.
create table checkpoint (
  partition integer not null,
  -- Of the last of those entries.
  number bigint not null,
  name text not null,
  sum bigint not null,
  primary key (partition, name)
);
