-- When a system last showed a record, in a reading or a listing: a record that has come since can't vouch for it.
--
-- Of a record that is yet to be read again nobody knows; then nothing vouches until it is.

alter table sightings add column shown_ms integer not null default 0;
update sightings set shown_ms = seen_ms where seen_ms > 0;
