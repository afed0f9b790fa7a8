-- What a posting charged that is no call: a fee, or minutes, which are paid and earned in one step and move no credit.
alter table posting add column class text;
alter table posting add column charge numeric(20, 6) not null default 0;
update posting set charge = earned.charge, class = earned.class
from (
  select journal.at, journal.partition, journal.number,
    substring(entry from '\["[A-Z]{3}:revenue",(-?\d+)\]')::numeric / 1000000 as charge,
    coalesce(substring(entry from '"class":"([a-z0-9_]+)"'),
      case when entry like '%"kind":"fee"%' then 'other' else 'minutes' end) as class
  from journal where call is null and entry ~ '\["[A-Z]{3}:revenue",'
) earned
where posting.at = earned.at and posting.partition = earned.partition and posting.number = earned.number;

-- What was posted to each account in each month of UTC: its credit before an instant is the sum of the months before and
-- of what was posted in the month of it. Moved in the transaction that writes or puts aside the postings.
create table posting_month (
  account text not null,
  -- The first day.
  month date not null,
  amount numeric(30, 6) not null,
  primary key (account, month)
);
insert into posting_month
  select account, date_trunc('month', at at time zone 'UTC')::date, sum(amount) from posting group by 1, 2;
