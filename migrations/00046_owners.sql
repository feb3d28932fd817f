-- +goose Up
-- +goose ENVSUB ON

-- Who opened the card; '' = somebody before this was kept. Its desk may give the card's code to a person on its own word.
ALTER TABLE card ADD COLUMN opened_by text NOT NULL DEFAULT '';

-- Since when the person waits, and how often what he proved was another person's. NULL = he redeemed before this was kept.
ALTER TABLE awaited_card ADD COLUMN since_at ${TIME};
ALTER TABLE awaited_card ADD COLUMN mismatches bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE awaited_card DROP COLUMN mismatches;
ALTER TABLE awaited_card DROP COLUMN since_at;
ALTER TABLE card DROP COLUMN opened_by;
