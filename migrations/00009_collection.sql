-- +goose Up
-- +goose ENVSUB ON

-- When the card was collected last, in seconds since 1970: the cards whose turn it is are found by it.
ALTER TABLE card ADD COLUMN collected bigint NOT NULL DEFAULT 0;
CREATE INDEX card_by_collected ON card (collected, id);

-- Of a collected record no more than this row is left, so that it never rises again. No pull reads it.
ALTER TABLE record ADD COLUMN collected boolean NOT NULL DEFAULT false;

-- The last commit of which something in the scope was forgotten: a device that stands before it starts anew.
ALTER TABLE card_scope ADD COLUMN forgotten bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE card_scope DROP COLUMN forgotten;
ALTER TABLE record DROP COLUMN collected;
DROP INDEX card_by_collected;
ALTER TABLE card DROP COLUMN collected;
