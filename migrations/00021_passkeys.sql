-- +goose Up
-- +goose ENVSUB ON

-- All tables here are directory tables: they are of a person's sign-in and of no card.

-- A passkey: the record is the library's, with the public key. Nothing here is secret.
CREATE TABLE passkey (
    credential ${BYTES} NOT NULL PRIMARY KEY,
    account    ${UUID}  NOT NULL,
    name       text     NOT NULL,
    record     ${BYTES} NOT NULL,
    added_at   ${TIME}  NOT NULL,
    used_at    ${TIME}
);
CREATE INDEX passkey_by_account ON passkey (account);

-- A challenge that an authenticator is to sign, once. What it is for says the purpose.
CREATE TABLE ceremony (
    id            ${UUID}  NOT NULL PRIMARY KEY,
    purpose       text     NOT NULL,
    account       ${UUID},
    session       ${UUID},
    device        ${UUID},
    device_name   text     NOT NULL DEFAULT '',
    device_secret ${BYTES},
    data          ${BYTES} NOT NULL,
    ends_at       ${TIME}  NOT NULL
);
CREATE INDEX ceremony_by_end ON ceremony (ends_at);

-- Who a person is at an external OpenID provider. Each has one account, and an account one person at a provider.
CREATE TABLE external_link (
    subject  ${BYTES} NOT NULL PRIMARY KEY,
    provider text     NOT NULL,
    account  ${UUID}  NOT NULL,
    since    ${TIME}  NOT NULL,
    UNIQUE (account, provider)
);

-- The factor that came before the one that is awaited.
ALTER TABLE sign_in ADD COLUMN first text NOT NULL DEFAULT 'pwd';

-- +goose Down
ALTER TABLE sign_in DROP COLUMN first;
DROP TABLE external_link;
DROP TABLE ceremony;
DROP TABLE passkey;
