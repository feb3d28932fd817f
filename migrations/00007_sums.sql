-- +goose Up
-- +goose ENVSUB ON

-- How many records of a scope stand (deleted ones apart), and the sum of their digests, sealed: a digest would let whoever has
-- this table try out what a record says. A phone compares them with its own. Both NULL: not counted yet; the card's next
-- commit counts it.
ALTER TABLE card_scope ADD COLUMN live bigint;
ALTER TABLE card_scope ADD COLUMN sum ${BYTES};

-- +goose Down
ALTER TABLE card_scope DROP COLUMN sum;
ALTER TABLE card_scope DROP COLUMN live;
