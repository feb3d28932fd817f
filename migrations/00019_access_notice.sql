-- +goose Up
-- +goose ENVSUB ON

-- Whether the owner wants to be told each time somebody else opens the card.
ALTER TABLE card ADD COLUMN tell_access boolean NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE card DROP COLUMN tell_access;
