-- +goose NO TRANSACTION
-- +goose Up
-- +goose ENVSUB ON

-- Devices that nobody signed in from for a year are forgotten.
CREATE INDEX ${CONCURRENTLY} IF NOT EXISTS account_device_by_age ON account_device (seen_at);

-- +goose Down
DROP INDEX account_device_by_age;
