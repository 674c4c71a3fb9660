-- The journal becomes a chain: each entry is sealed by a hash over itself and the seal before (`store/chain.py`).
--
-- `salt` is there as long as the entry's values are; `commitment` takes its place when they are forgotten.
-- The row `only` says where the kept part of the chain begins and ends. Entries from before are sealed by
-- `migrations.py`, since SQL can't.

alter table journal add column salt text;
alter table journal add column commitment text;
alter table journal add column seal text not null default '';

create table journal_chain (
    only integer primary key check (only = 1),
    start_seq integer not null,
    start_seal text not null,
    start_count integer not null,
    start_ms integer not null,
    head_seq integer not null,
    head_seal text not null,
    head_count integer not null,
    head_ms integer not null
);
insert into journal_chain values (1, 0, '', 0, 0, 0, '', 0, 0);
