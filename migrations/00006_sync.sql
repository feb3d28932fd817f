-- +goose Up
-- +goose ENVSUB ON

-- Where a record came from with each move; empty for its first scope. A pull reads the moves since a commit, in order.
ALTER TABLE record_scope ADD COLUMN was text NOT NULL DEFAULT '';
CREATE INDEX record_scope_by_seq ON record_scope (card, seq) WHERE was <> '';

-- Grants are commits of the card: the one that began it and, once it ended or was revoked, the one that ended it (else 0).
ALTER TABLE access_grant ADD COLUMN began bigint NOT NULL DEFAULT 0;
ALTER TABLE access_grant ADD COLUMN ended bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE access_grant DROP COLUMN ended;
ALTER TABLE access_grant DROP COLUMN began;
DROP INDEX record_scope_by_seq;
ALTER TABLE record_scope DROP COLUMN was;
