-- +goose Up
-- +goose ENVSUB ON

-- When the card is to be collected next, in seconds since 1970; NULL: nothing in it can be forgotten, by whatever time passes. Commits
-- bring it forward, a collection reckons it anew: see app/store/turn.go. Cards of before are all looked at once.
ALTER TABLE card ADD COLUMN collect_at bigint DEFAULT 0;
-- The last commit that left something to forget: a deletion, a move, a retired phone. NULL: that was never reckoned, so any may have.
ALTER TABLE card ADD COLUMN forget_seq bigint;
DROP INDEX card_by_collected;
CREATE INDEX card_by_turn ON card (collect_at, id) WHERE collect_at IS NOT NULL;

-- Uploads that may be idle for too long are found by since when they are. Those that are complete and were never found idle are looked at once.
UPDATE attachment_upload SET idle = '0001-01-01T00:00:00.000000Z' WHERE complete AND idle IS NULL;
CREATE INDEX attachment_upload_by_idle ON attachment_upload (idle, card) WHERE idle IS NOT NULL;

-- +goose Down
DROP INDEX attachment_upload_by_idle;
DROP INDEX card_by_turn;
CREATE INDEX card_by_collected ON card (collected, id);
ALTER TABLE card DROP COLUMN forget_seq;
ALTER TABLE card DROP COLUMN collect_at;
