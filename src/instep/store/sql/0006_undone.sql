-- Which run a run takes back: 0 for one that takes back none; `partly` if it takes back a part of it alone.

alter table runs add column undoes integer not null default 0;
alter table runs add column partly integer not null default 0;

create index runs_by_undone on runs (undoes) where undoes > 0;
