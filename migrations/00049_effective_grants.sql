-- +goose NO TRANSACTION
-- +goose Up
-- +goose ENVSUB ON

-- The grants that decide who sees a card: what organisations had and have no more is not read again, however much of it there is.
CREATE INDEX ${CONCURRENTLY} IF NOT EXISTS access_grant_effective ON access_grant (card) WHERE ended = 0 OR held_at IS NOT NULL OR client = '';

-- +goose Down
DROP INDEX access_grant_effective;
