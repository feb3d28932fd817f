-- +goose Up

-- A restriction that a court ordered: its owner cannot lift it, and nobody whom it names is let in again.
ALTER TABLE access_grant ADD COLUMN ordered boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE access_grant DROP COLUMN ordered;
