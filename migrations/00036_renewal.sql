-- +goose Up
-- +goose ENVSUB ON

-- The name of the data key that seals what is written to the card: the newest in wrapped_key. 0: the one that the card began with.
ALTER TABLE card ADD COLUMN key_name bigint NOT NULL DEFAULT 0;

-- The card has got another key, and not everything is sealed with it yet: wrapped_key holds the older one as well.
ALTER TABLE card ADD COLUMN renewing boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE card DROP COLUMN renewing;
ALTER TABLE card DROP COLUMN key_name;
