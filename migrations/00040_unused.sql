-- +goose NO TRANSACTION
-- +goose Up
-- +goose ENVSUB ON

-- Devices that nobody signed in from, and codes of a clinic's desk, are forgotten after a year.
CREATE INDEX ${CONCURRENTLY} IF NOT EXISTS account_device_by_age ON account_device (seen_at);
CREATE INDEX ${CONCURRENTLY} IF NOT EXISTS claim_code_by_end ON claim_code (ends_at);

-- +goose Down
DROP INDEX claim_code_by_end;
DROP INDEX account_device_by_age;
