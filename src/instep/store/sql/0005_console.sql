-- What people look for: words of records, holds by kind, the journal by time.
--
-- `terms` has rows as slim as its key, so that it is one tree and not two. It is filled by `migrations.py` for what
-- was read before.

create table terms (
    term text not null,
    side text not null,
    entity text not null,
    id text not null,
    primary key (term, side, entity, id)
) without rowid;
create index terms_by_record on terms (side, entity, id);

create index holds_by_kind on holds (pair, cause, property, id);
create index journal_by_time on journal (at_ms, pair, operation, side);
