-- +goose Up
-- +goose ENVSUB ON

-- Since when a grant waits for the owner's word: the server was restored, and the grant may have been revoked after the backup.
-- While it waits it has ended; confirmed, it begins anew.
ALTER TABLE access_grant ADD COLUMN held_at ${TIME};
CREATE INDEX access_grant_by_end ON access_grant (ends_at) WHERE ended = 0 AND ends_at IS NOT NULL;

-- The session ended because the server was restored, not because anybody ended it: its phone may still be told to look.
ALTER TABLE session ADD COLUMN restored boolean NOT NULL DEFAULT false;

-- Directory: it is of no card. When this database was restored from a backup.
CREATE TABLE restoration (
    at ${TIME} NOT NULL PRIMARY KEY
);

-- +goose Down
DROP TABLE restoration;
ALTER TABLE session DROP COLUMN restored;
DROP INDEX access_grant_by_end;
ALTER TABLE access_grant DROP COLUMN held_at;
