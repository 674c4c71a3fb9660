-- The schema of the first release. A released file is never edited: the next number is added.
--
-- Rowid tables throughout: rows are fat and keys are random, which WITHOUT ROWID tables pay for dearly.
-- AUTOINCREMENT wherever an id must never come back; without it SQLite hands out the newest id again after
-- its row was deleted.

create table sightings (
    side text not null,
    entity text not null,
    id text not null,
    fields text not null,
    digest text not null,
    version integer,
    token text,
    updated_ms integer,
    created_ms integer,
    deleted integer not null,
    author text,
    seen_ms integer not null,
    listed_in integer not null,
    edits text not null,
    primary key (side, entity, id)
);
create index sightings_by_seen on sightings (side, entity, seen_ms) where deleted = 0;

-- One to one, whatever the state: a retired link still keeps its records from being linked or created again.
create table links (
    id integer primary key autoincrement,
    pair text not null,
    left_id text not null,
    right_id text not null,
    base text not null,
    state text not null check (state in ('live', 'retired')),
    generation integer not null,
    made_ms integer not null,
    made_by text not null
);
create unique index links_by_left on links (pair, left_id);
create unique index links_by_right on links (pair, right_id);
create index links_by_pair on links (pair, id);
create index links_retired on links (pair) where state = 'retired';

create table match_values (
    pair text not null,
    side text not null,
    id text not null,
    number integer not null,
    value text not null,
    primary key (pair, side, id, number)
);
-- The value first, so that it is never taken for the index by record.
create index match_values_by_value on match_values (value, pair, side, number, id);

-- `seq` comes from `counters`, since a new mark moves an existing row to a new one.
create table todo (
    seq integer primary key,
    pair text not null,
    side text not null,
    id text not null,
    bucket integer not null,
    due_ms integer not null,
    attempts integer not null,
    reason text not null
);
create unique index todo_by_key on todo (pair, side, id);
create index todo_by_pair on todo (pair, seq);
create index todo_by_bucket on todo (pair, bucket, seq);
create index todo_by_due on todo (pair, bucket, due_ms);
create index todo_failing on todo (pair) where attempts > 0;

create table counters (
    name text primary key,
    value integer not null
);
insert into counters (name, value) values ('todo', 0);

create table holds (
    id integer primary key autoincrement,
    pair text not null,
    side text not null,
    record_id text not null,
    property text not null,
    cause text not null,
    what text not null,
    why text not null,
    fix text not null,
    digest text not null,
    since_ms integer not null,
    waits_side text,
    waits_entity text,
    waits_id text,
    vals text not null
);
create index holds_by_key on holds (pair, side, record_id);
create index holds_by_pair on holds (pair, id);
create index holds_by_cause on holds (cause, id);
create index holds_by_pair_cause on holds (pair, cause, id);
create index holds_waiting on holds (waits_side, waits_entity, waits_id) where waits_id is not null;

create table releases (
    pair text not null,
    side text not null,
    record_id text not null,
    property text not null,
    choice text not null,
    digest text not null,
    value text not null,
    at_ms integer not null,
    primary key (pair, side, record_id, property)
);

-- Open ones only; what came of a closed one is in the journal.
create table intents (
    id integer primary key autoincrement,
    pair text not null,
    key_side text not null,
    key_id text not null,
    side text not null,
    operation text not null check (operation in ('create', 'update', 'retire')),
    record_id text not null,
    source_id text not null,
    payload text not null,
    properties text not null,
    idempotency text not null,
    chosen_id text not null,
    marker text not null,
    link_id integer not null,
    source_version integer,
    seen_version integer,
    seen_token text,
    generation integer not null,
    run integer not null,
    reason text not null,
    made_ms integer not null,
    sent_ms integer not null,
    attempts integer not null
);
create index intents_by_key on intents (pair, key_side, key_id);
create index intents_by_source on intents (pair, side, source_id) where operation = 'create';
create index intents_by_chosen_id on intents (pair, side, chosen_id) where operation = 'create';
create index intents_by_marker on intents (pair, side, marker) where operation = 'create';

create table cursors (
    side text not null,
    entity text not null,
    position text not null,
    primary key (side, entity)
);

create table meta (
    name text primary key,
    value text not null
);

create table journal (
    seq integer primary key autoincrement,
    at_ms integer not null,
    run integer not null,
    pair text not null,
    side text,
    record_id text not null,
    partner_id text not null,
    link_id integer not null,
    operation text not null,
    outcome text not null,
    reason text not null,
    changes text not null,
    request text not null
);
create index journal_by_record on journal (record_id);
create index journal_by_partner on journal (partner_id);
create index journal_by_run on journal (run);
create index journal_by_operation on journal (operation);

create table runs (
    id integer primary key autoincrement,
    kind text not null,
    started_ms integer not null,
    finished_ms integer,
    status text not null,
    summary text not null
);

-- The row `only` is the lease; an empty holder means that nobody has it. The epoch never falls.
create table lease (
    only integer primary key check (only = 1),
    holder text not null,
    epoch integer not null,
    until_ms integer not null
);
insert into lease (only, holder, epoch, until_ms) values (1, '', 0, 0);
