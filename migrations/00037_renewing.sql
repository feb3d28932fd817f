-- +goose NO TRANSACTION
-- +goose Up
-- +goose ENVSUB ON

-- Renewals that were interrupted are found by it: few cards are in it at a time.
CREATE INDEX ${CONCURRENTLY} IF NOT EXISTS card_renewing ON card (id) WHERE renewing;

-- +goose Down
DROP INDEX card_renewing;
