-- Marks that go before others: what somebody has just edited is not to wait behind a long backlog.

alter table todo add column urgent integer not null default 0;
drop index todo_by_bucket;
create index todo_by_bucket on todo (pair, bucket, urgent desc, seq);
create index todo_by_urgency on todo (pair, urgent desc, seq);
create index todo_urgent on todo (pair, bucket, due_ms) where urgent = 1;
