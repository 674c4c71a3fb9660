-- Every statement of the store, by name. They run on SQLite and on PostgreSQL alike.
--
-- A line that ends in "-- if x" is there only when the filter x is asked for. "in (:ids)" takes a list.
-- {side} stands for left or right: such a statement exists once per side.
-- What is asked for one record at a time has no "order by", which SQLite takes several times as long for, even
-- where nothing is there to be sorted: the few rows are put in order by who asks.

-- name: sighting
-- One record's last reading.
select side, entity, id, fields, digest, version, token, updated_ms, created_ms, deleted, author, seen_ms,
    listed_in, edits, shown_ms
from sightings
where side = :side and entity = :entity and id = :id

-- name: sightings
-- The last readings of several records.
select side, entity, id, fields, digest, version, token, updated_ms, created_ms, deleted, author, seen_ms,
    listed_in, edits, shown_ms
from sightings
where side = :side and entity = :entity and id in (:ids)

-- name: save_sighting
-- Keep a reading in place of the one before.
insert into sightings (side, entity, id, fields, digest, version, token, updated_ms, created_ms, deleted,
    author, seen_ms, listed_in, edits, shown_ms)
values (:side, :entity, :id, :fields, :digest, :version, :token, :updated_ms, :created_ms, :deleted,
    :author, :seen_ms, :listed_in, :edits, :shown_ms)
on conflict (side, entity, id) do update set fields = excluded.fields, digest = excluded.digest,
    version = excluded.version, token = excluded.token, updated_ms = excluded.updated_ms,
    created_ms = excluded.created_ms, deleted = excluded.deleted, author = excluded.author,
    seen_ms = excluded.seen_ms, listed_in = excluded.listed_in, edits = excluded.edits,
    shown_ms = excluded.shown_ms

-- name: touch
-- Note that a complete listing named these records.
update sightings set listed_in = :listed_in, shown_ms = :shown_ms
where side = :side and entity = :entity and id in (:ids)

-- name: unlisted
-- Records that a complete listing did not name.
select id from sightings
where side = :side and entity = :entity and id > :after and listed_in < :listing and deleted = 0
order by id
limit :limit

-- name: sample_ids
-- Some records believed to exist, latest seen first.
select id from sightings
where side = :side and entity = :entity and deleted = 0 and id <> :excluding
order by seen_ms desc, id
limit :limit

-- name: canaries
-- Some records believed to exist that were there by a time, or were created by a time of the system's clock.
select id from sightings
where side = :side and entity = :entity and deleted = 0 and digest <> '' and id <> :excluding
    and (seen_ms <= :known_ms or created_ms <= :created_ms)
order by seen_ms desc, id
limit :limit

-- name: unread
-- Some records that are known from hints alone.
select id from sightings
where side = :side and entity = :entity and deleted = 0 and seen_ms <= 0 and digest = ''
order by id
limit :limit

-- name: count_sightings
-- How many records are believed to exist.
select count(*) from sightings where side = :side and entity = :entity and deleted = 0

-- name: terms_of
-- What a record is found by.
select term from terms where side = :side and entity = :entity and id = :id

-- name: add_term
-- Let a record be found by this.
insert into terms (term, side, entity, id) values (:term, :side, :entity, :id)

-- name: drop_term
-- Let a record not be found by this any more.
delete from terms where term = :term and side = :side and entity = :entity and id = :id

-- name: some_terms
-- Some terms that begin so, to be counted.
select term from terms where term >= :first and term < :first_end limit :limit

-- name: search
-- Records with a term that begins so, and others; the || '' keep to the tree of terms, and to one record's terms.
select side, entity, id
from terms
where term >= :first and term < :first_end
    and side || '' = :side -- if side
    and entity || '' = :entity -- if entity
    and exists (select 1 from terms as more where more.side = terms.side -- if second
        and more.entity = terms.entity and more.id = terms.id -- if second
        and more.term || '' >= :second and more.term || '' < :second_end) -- if second
    and exists (select 1 from terms as more where more.side = terms.side -- if third
        and more.entity = terms.entity and more.id = terms.id -- if third
        and more.term || '' >= :third and more.term || '' < :third_end) -- if third
order by term, side, entity, id
limit :limit

-- name: link
-- A link by its number.
select id, pair, left_id, right_id, base, state, generation, made_ms, made_by from links where id = :id

-- name: link_of_{side}
-- The link of one record.
select id, pair, left_id, right_id, base, state, generation, made_ms, made_by
from links
where pair = :pair and {side}_id = :id

-- name: links_of_{side}
-- The links of several records.
select id, pair, left_id, right_id, base, state, generation, made_ms, made_by
from links
where pair = :pair and {side}_id in (:ids)

-- name: links
-- The links of a pair, page by page.
select id, pair, left_id, right_id, base, state, generation, made_ms, made_by
from links
where pair = :pair and id > :after
order by id
limit :limit

-- name: add_link
-- A new link; the unique indexes refuse a record's second one.
insert into links (pair, left_id, right_id, base, state, generation, made_ms, made_by)
values (:pair, :left_id, :right_id, :base, :state, :generation, :made_ms, :made_by)
returning id

-- name: change_link
-- A link as it is from now on.
update links set pair = :pair, left_id = :left_id, right_id = :right_id, base = :base, state = :state,
    generation = :generation, made_ms = :made_ms, made_by = :made_by
where id = :id
returning id

-- name: remove_link
-- Forget a link.
delete from links where id = :id

-- name: count_links
-- How many links of a pair are live.
select (select count(*) from links where pair = :pair)
    - (select count(*) from links where pair = :pair and state = 'retired')

-- name: match_values
-- What a record is found by.
select number, value from match_values where pair = :pair and side = :side and id = :id

-- name: save_match_value
-- Let a record be found by this value of that match key.
insert into match_values (pair, side, id, number, value)
values (:pair, :side, :id, :number, :value)
on conflict (pair, side, id, number) do update set value = excluded.value

-- name: drop_match_value
-- Let a record not be found by that match key any more.
delete from match_values where pair = :pair and side = :side and id = :id and number = :number

-- name: matches
-- Records with this value of a match key.
select id from match_values
where pair = :pair and side = :side and number = :number and value = :value
order by id
limit :limit

-- name: take_numbers
-- The last of as many numbers as were asked for, none of which was ever given out before.
update counters set value = value + :count where name = :name returning value

-- name: last_number
-- The last number that was given out.
select value from counters where name = :name

-- name: mark
-- Something to look at, with a new number; the earlier time wins, and what is urgent stays so.
insert into todo (seq, pair, side, id, bucket, due_ms, attempts, reason, urgent)
values (:seq, :pair, :side, :id, :bucket, :due_ms, 0, :reason, :urgent)
on conflict (pair, side, id) do update set seq = excluded.seq, attempts = 0, reason = excluded.reason,
    urgent = case when excluded.urgent > todo.urgent then excluded.urgent else todo.urgent end,
    due_ms = case when excluded.due_ms < todo.due_ms then excluded.due_ms else todo.due_ms end

-- name: todo
-- What is due, urgent marks first, then the oldest; the plus keeps to the index that has this order.
select seq, pair, side, id, bucket, due_ms, attempts, reason, urgent
from todo
where pair = :pair and +due_ms <= :now_ms
    and bucket = :bucket -- if bucket
    and urgent = 1 -- if urgent
    and urgent = 0 -- if calm
    and +seq <= :upto -- if upto
order by urgent desc, seq
limit :limit

-- name: todo_after
-- All there is to look at, page by page.
select seq, pair, side, id, bucket, due_ms, attempts, reason, urgent
from todo
where pair = :pair and seq > :after
order by seq
limit :limit

-- name: is_todo
-- Whether there is a mark on a record.
select 1 from todo where pair = :pair and side = :side and id = :id

-- name: todo_of
-- The mark on a record.
select seq, pair, side, id, bucket, due_ms, attempts, reason, urgent
from todo
where pair = :pair and side = :side and id = :id

-- name: finish
-- Forget a mark; a newer one has another number.
delete from todo where seq = :seq returning seq

-- name: postpone
-- Put a mark off; a newer one has another number.
update todo set due_ms = :due_ms, attempts = :attempts, reason = :reason where seq = :seq returning seq

-- name: busy_buckets
-- Buckets with something due: an index seek or two for each.
with recursive every (bucket) as (
    values (0) union all select bucket + 1 from every where bucket + 1 < :buckets
)
select bucket from every
where exists (
    select 1 from todo
    where pair = :pair and todo.bucket = every.bucket and due_ms <= :now_ms
        and urgent = 1 -- if urgent
        and urgent = 0 -- if calm
        and seq <= :upto -- if upto
)
order by
    exists ( -- if first
        select 1 from todo -- if first
        where pair = :pair and todo.bucket = every.bucket and due_ms <= :now_ms and urgent = 1 -- if first
    ) desc, -- if first
    bucket

-- name: next_due
-- When the next mark is due: one index seek for each bucket.
with recursive every (bucket) as (
    values (0) union all select bucket + 1 from every where bucket + 1 < :buckets
)
select min((
    select min(due_ms) from todo
    where pair = :pair and todo.bucket = every.bucket
        and urgent = 1 -- if urgent
        and urgent = 0 -- if calm
))
from every

-- name: count_todo
-- How much there is to look at, and how much of it has failed before.
select (select count(*) from todo where pair = :pair),
    (select count(*) from todo where pair = :pair and attempts > 0)

-- name: holds_of
-- The holds of one record.
select id, pair, side, record_id, property, cause, what, why, fix, digest, since_ms, waits_side, waits_entity,
    waits_id, vals
from holds
where pair = :pair and side = :side and record_id = :id

-- name: hold
-- A hold by its number.
select id, pair, side, record_id, property, cause, what, why, fix, digest, since_ms, waits_side, waits_entity,
    waits_id, vals
from holds
where id = :id

-- name: holds
-- Holds, page by page.
select id, pair, side, record_id, property, cause, what, why, fix, digest, since_ms, waits_side, waits_entity,
    waits_id, vals
from holds
where id > :after
    and pair = :pair -- if pair
    and cause = :cause -- if cause
    and property = :property -- if property
order by id
limit :limit

-- name: kinds_of_holds
-- How many holds there are of each kind, by an index alone.
select pair, cause, property, count(*), min(id) from holds group by pair, cause, property

-- name: add_hold
-- A new hold.
insert into holds (pair, side, record_id, property, cause, what, why, fix, digest, since_ms, waits_side,
    waits_entity, waits_id, vals)
values (:pair, :side, :record_id, :property, :cause, :what, :why, :fix, :digest, :since_ms, :waits_side,
    :waits_entity, :waits_id, :vals)

-- name: change_hold
-- A hold told in other words; number and time stay.
update holds set what = :what, why = :why, fix = :fix, waits_side = :waits_side, waits_entity = :waits_entity,
    waits_id = :waits_id, vals = :vals
where id = :id

-- name: drop_hold
-- Forget a hold.
delete from holds where id = :id

-- name: waiting_for
-- Records held until this one is linked.
select pair, side, record_id from holds
where waits_side = :side and waits_entity = :entity and waits_id = :id

-- name: count_holds
-- Holds of a pair by cause.
select cause, count(*) from holds where pair = :pair group by cause order by cause

-- name: releases_of
-- What a person chose for a record.
select pair, side, record_id, property, choice, digest, value, at_ms
from releases
where pair = :pair and side = :side and record_id = :id

-- name: save_release
-- Keep a person's choice in place of the one before.
insert into releases (pair, side, record_id, property, choice, digest, value, at_ms)
values (:pair, :side, :record_id, :property, :choice, :digest, :value, :at_ms)
on conflict (pair, side, record_id, property) do update set choice = excluded.choice,
    digest = excluded.digest, value = excluded.value, at_ms = excluded.at_ms

-- name: drop_release
-- Forget a person's choice.
delete from releases
where pair = :pair and side = :side and record_id = :id and property = :property

-- name: intents
-- Open intents, oldest first.
select id, pair, key_side, key_id, side, operation, record_id, source_id, payload, properties, idempotency,
    chosen_id, marker, link_id, source_version, seen_version, seen_token, generation, run, reason, made_ms, sent_ms, attempts
from intents
order by id
limit :limit

-- name: intents_of
-- The open intents of one record.
select id, pair, key_side, key_id, side, operation, record_id, source_id, payload, properties, idempotency,
    chosen_id, marker, link_id, source_version, seen_version, seen_token, generation, run, reason, made_ms, sent_ms, attempts
from intents
where pair = :pair and key_side = :side and key_id = :id

-- name: intent_to
-- Open creates that make a record, or come from it.
select id, pair, key_side, key_id, side, operation, record_id, source_id, payload, properties, idempotency,
    chosen_id, marker, link_id, source_version, seen_version, seen_token, generation, run, reason, made_ms, sent_ms, attempts
from intents
where (operation = 'create' and pair = :pair and side = :side and chosen_id = :id)
    or (operation = 'create' and pair = :pair and side = :side and marker = :id)
    or (operation = 'create' and pair = :pair and side = :other and source_id = :id)

-- name: add_intent
-- A new intent.
insert into intents (pair, key_side, key_id, side, operation, record_id, source_id, payload, properties,
    idempotency, chosen_id, marker, link_id, source_version, seen_version, seen_token, generation, run, reason, made_ms,
    sent_ms, attempts)
values (:pair, :key_side, :key_id, :side, :operation, :record_id, :source_id, :payload, :properties,
    :idempotency, :chosen_id, :marker, :link_id, :source_version, :seen_version, :seen_token, :generation, :run, :reason,
    :made_ms, :sent_ms, :attempts)
returning id

-- name: change_intent
-- An intent as it is from now on.
update intents set pair = :pair, key_side = :key_side, key_id = :key_id, side = :side, operation = :operation,
    record_id = :record_id, source_id = :source_id, payload = :payload, properties = :properties,
    idempotency = :idempotency, chosen_id = :chosen_id, marker = :marker, link_id = :link_id,
    source_version = :source_version, seen_version = :seen_version, seen_token = :seen_token, generation = :generation, run = :run,
    reason = :reason, made_ms = :made_ms, sent_ms = :sent_ms, attempts = :attempts
where id = :id
returning id

-- name: close_intent
-- Forget an intent whose outcome is known.
delete from intents where id = :id

-- name: cursor
-- How far an entity has been read.
select position from cursors where side = :side and entity = :entity

-- name: save_cursor
-- Note how far an entity has been read.
insert into cursors (side, entity, position) values (:side, :entity, :position)
on conflict (side, entity) do update set position = excluded.position

-- name: drop_cursor
-- Read an entity from the start again.
delete from cursors where side = :side and entity = :entity

-- name: meta
-- A setting.
select value from meta where name = :name

-- name: save_meta
-- Keep a setting.
insert into meta (name, value) values (:name, :value)
on conflict (name) do update set value = excluded.value

-- name: drop_meta
-- Forget a setting.
delete from meta where name = :name

-- name: append
-- One line of the journal, sealed.
insert into journal (seq, at_ms, run, pair, side, record_id, partner_id, link_id, operation, outcome, reason,
    changes, request, salt, seal)
values (:seq, :at_ms, :run, :pair, :side, :record_id, :partner_id, :link_id, :operation, :outcome, :reason,
    :changes, :request, :salt, :seal)

-- name: chain
-- Where the kept part of the journal begins and ends.
select start_seq, start_seal, start_count, start_ms, head_seq, head_seal, head_count, head_ms
from journal_chain
where only = 1

-- name: save_head
-- Note with which entry the journal ends from now on.
update journal_chain set head_seq = :seq, head_seal = :seal, head_count = :count, head_ms = :at_ms
where only = 1

-- name: save_start
-- Note with which entry the kept part of the journal begins from now on: the one after this.
update journal_chain set start_seq = :seq, start_seal = :seal, start_count = :count, start_ms = :at_ms
where only = 1

-- name: oldest
-- The first entries that are kept.
select seq, seal, at_ms from journal where seq > :after order by seq limit :limit

-- name: prune
-- Let go of the first entries that are kept.
delete from journal where seq > :after and seq <= :last

-- name: sealed
-- The journal as its chain was made, oldest first, page by page.
select seq, at_ms, run, pair, side, record_id, partner_id, link_id, operation, outcome, request, reason,
    changes, salt, commitment, seal
from journal
where seq > :after
order by seq
limit :limit

-- name: entries_with_values
-- What the journal still holds of one record: entries whose values were not forgotten, in which it is named.
select seq, reason, changes, salt
from journal
where pair = :pair and (record_id = :record_id or partner_id = :record_id) and salt is not null
    and operation <> 'forget'
    and (side is null or (side = :side and record_id = :record_id) or (side <> :side and partner_id = :record_id))

-- name: forget_entry
-- Leave of an entry's values only what its seal needs.
update journal set reason = '', changes = :changes, salt = null, commitment = :commitment where seq = :seq

-- name: journal
-- The journal, latest first.
select seq, at_ms, run, pair, side, record_id, partner_id, link_id, operation, outcome, reason, changes, request,
    seal, salt is null
from journal
where seq < :before
    and pair = :pair -- if pair
    and run = :run -- if run
    and operation = :operation -- if operation
    and side = :side -- if side
    and (record_id = :record_id or partner_id = :record_id) -- if record_id
    and (side is null -- if record_of_side
        or (side = :of_side and record_id = :record_id) -- if record_of_side
        or (side <> :of_side and partner_id = :record_id)) -- if record_of_side
order by seq desc
limit :limit

-- name: activity
-- What the journal has since a time, counted by spans of time, by an index alone.
select at_ms / :span_ms, pair, operation, side, count(*)
from journal
where at_ms >= :since_ms
group by at_ms / :span_ms, pair, operation, side

-- name: start_run
-- A new run.
insert into runs (kind, started_ms, status, summary, undoes, partly)
values (:kind, :now_ms, 'running', 'null', :undoes, :partly) returning id

-- name: finish_run
-- A run that came to its end.
update runs set finished_ms = :now_ms, status = :status, summary = :summary where id = :id

-- name: run
-- One turn of a runner.
select id, kind, started_ms, finished_ms, status, summary, undoes, partly from runs where id = :id

-- name: runs
-- Runs, latest first.
select id, kind, started_ms, finished_ms, status, summary, undoes, partly
from runs
where id < :before
order by id desc
limit :limit

-- name: undoings
-- The runs that take back one run, first to last.
select id, kind, started_ms, finished_ms, status, summary, undoes, partly
from runs
where undoes = :undoes and undoes > 0
order by id

-- name: written
-- What a run has written so far, counted; that a link was put to rest went without a request.
select pair, operation, side, count(*)
from journal
where run = :run and operation in ('create', 'update', 'retire') and outcome in ('done', 'found done')
    and (operation <> 'retire' or request <> '')
group by pair, operation, side
order by pair, operation, side

-- name: lease
-- Who may write.
select holder, epoch, until_ms from lease where only = 1

-- name: save_lease
-- Note who may write from now on.
update lease set holder = :holder, epoch = :epoch, until_ms = :until_ms where only = 1
