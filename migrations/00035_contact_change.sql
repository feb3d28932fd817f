-- +goose Up
-- +goose ENVSUB ON

-- Directory: a number or an address that waits for its code, to take the place of an account's.
CREATE TABLE contact_change (
    id         ${UUID}  NOT NULL PRIMARY KEY,
    account    ${UUID}  NOT NULL,
    channel    text     NOT NULL,
    sealed     ${BYTES} NOT NULL,
    started_at ${TIME}  NOT NULL,
    ends_at    ${TIME}  NOT NULL
);
CREATE INDEX contact_change_by_end ON contact_change (ends_at);

-- +goose Down
DROP TABLE contact_change;
