-- +goose Up
-- +goose ENVSUB ON

-- All tables here are directory tables: they are of a person's sign-in and of no card.

-- What a sign-in waits for, and whose session it proves anew; NULL = it opens one.
ALTER TABLE sign_in ADD COLUMN method text NOT NULL DEFAULT 'sms';
ALTER TABLE sign_in ADD COLUMN session ${UUID};

-- When the second factor was last shown; NULL = when the session was opened.
ALTER TABLE session ADD COLUMN proved_at ${TIME};

-- The secret of an authenticator app is sealed, not hashed: codes are made of it.
CREATE TABLE authenticator (
    account      ${UUID}  NOT NULL PRIMARY KEY,
    sealed       ${BYTES} NOT NULL,
    started_at   ${TIME}  NOT NULL,
    confirmed_at ${TIME},
    step         bigint   NOT NULL
);

CREATE TABLE recovery_code (
    account ${UUID}  NOT NULL,
    hash    ${BYTES} NOT NULL,
    used_at ${TIME},
    PRIMARY KEY (account, hash)
);

-- A lost password that waits for the codes of both channels. One for a login that nobody has looks the same, and has no account.
CREATE TABLE password_recovery (
    id         ${UUID} NOT NULL PRIMARY KEY,
    account    ${UUID},
    started_at ${TIME} NOT NULL,
    ends_at    ${TIME} NOT NULL
);
CREATE INDEX password_recovery_by_end ON password_recovery (ends_at);

-- +goose Down
DROP TABLE password_recovery;
DROP TABLE recovery_code;
DROP TABLE authenticator;
ALTER TABLE session DROP COLUMN proved_at;
DELETE FROM sign_in WHERE session IS NOT NULL;
ALTER TABLE sign_in DROP COLUMN session;
ALTER TABLE sign_in DROP COLUMN method;
