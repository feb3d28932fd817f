-- +goose Up
-- +goose ENVSUB ON

-- Directory: organisations that ask to be let in by a code; until somebody agrees it leads to no card. Rows whose quarter of an
-- hour is over go when their client proposes again, but for those that were agreed to, which go a day later.
CREATE TABLE proposal (
    id         ${UUID}  NOT NULL PRIMARY KEY,
    code_hash  ${BYTES} NOT NULL UNIQUE,
    client     text     NOT NULL,
    person     text     NOT NULL,
    scopes     text     NOT NULL,
    purpose    text     NOT NULL,
    ends_at    ${TIME}  NOT NULL,
    expires_at ${TIME}  NOT NULL,
    card       ${UUID}
);
CREATE INDEX proposal_by_client ON proposal (client, expires_at);

-- +goose Down
DROP TABLE proposal;
