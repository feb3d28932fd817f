-- +goose NO TRANSACTION
-- +goose Up
-- +goose ENVSUB ON

-- Codes of a clinic's desk are forgotten a year after their end.
CREATE INDEX ${CONCURRENTLY} IF NOT EXISTS claim_code_by_end ON claim_code (ends_at);

-- +goose Down
DROP INDEX claim_code_by_end;
