-- +goose Up

-- The scopes of the card in which something stood when a restriction began and when it ended: whether somebody felt it. Null in rows from before.
ALTER TABLE access_grant ADD COLUMN met text;
ALTER TABLE access_grant ADD COLUMN met_at_end text;

-- +goose Down
ALTER TABLE access_grant DROP COLUMN met_at_end;
ALTER TABLE access_grant DROP COLUMN met;
