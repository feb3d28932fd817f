-- +goose Up
-- +goose ENVSUB ON

-- All tables here are directory tables: they lead from a person or an organisation to a card, or stand before any card, and
-- have keys of their own. Phone numbers and addresses are sealed; their keyed hashes are what is looked up. Secrets are hashes.

CREATE TABLE account (
    id           ${UUID}  NOT NULL PRIMARY KEY,
    phone_hash   ${BYTES} NOT NULL UNIQUE,
    email_hash   ${BYTES} NOT NULL UNIQUE,
    phone_sealed ${BYTES} NOT NULL,
    email_sealed ${BYTES} NOT NULL,
    password     text     NOT NULL,
    language     text     NOT NULL,
    opened_at    ${TIME}  NOT NULL
);

-- A registration holds no place: many may name the same phone, so nothing but id is unique.
CREATE TABLE registration (
    id           ${UUID}  NOT NULL PRIMARY KEY,
    phone_sealed ${BYTES} NOT NULL,
    email_sealed ${BYTES} NOT NULL,
    password     text     NOT NULL,
    language     text     NOT NULL,
    started_at   ${TIME}  NOT NULL,
    ends_at      ${TIME}  NOT NULL,
    phone_at     ${TIME},
    email_at     ${TIME},
    account      text     NOT NULL DEFAULT ''
);
CREATE INDEX registration_by_end ON registration (ends_at);

CREATE TABLE sign_in (
    id            ${UUID}  NOT NULL PRIMARY KEY,
    account       ${UUID}  NOT NULL,
    device        ${UUID}  NOT NULL,
    device_name   text     NOT NULL,
    device_secret ${BYTES} NOT NULL,
    started_at    ${TIME}  NOT NULL,
    ends_at       ${TIME}  NOT NULL
);
CREATE INDEX sign_in_by_end ON sign_in (ends_at);

-- The code of one channel of a registration or a sign-in.
CREATE TABLE one_time_code (
    challenge ${UUID}  NOT NULL,
    channel   text     NOT NULL,
    hash      ${BYTES} NOT NULL,
    ends_at   ${TIME}  NOT NULL,
    tries     bigint   NOT NULL,
    sends     bigint   NOT NULL,
    sent_at   ${TIME}  NOT NULL,
    used_at   ${TIME},
    PRIMARY KEY (challenge, channel)
);
CREATE INDEX one_time_code_by_end ON one_time_code (ends_at);

CREATE TABLE account_device (
    account ${UUID}  NOT NULL,
    device  ${UUID}  NOT NULL,
    name    text     NOT NULL,
    secret  ${BYTES} NOT NULL,
    seen_at ${TIME}  NOT NULL,
    PRIMARY KEY (account, device)
);

CREATE TABLE session (
    id         ${UUID} NOT NULL PRIMARY KEY,
    account    ${UUID} NOT NULL,
    device     ${UUID} NOT NULL,
    methods    text    NOT NULL,
    opened_at  ${TIME} NOT NULL,
    ends_at    ${TIME} NOT NULL,
    revoked_at ${TIME}
);
CREATE INDEX session_by_account ON session (account);
CREATE INDEX session_by_end ON session (ends_at);

CREATE TABLE refresh_token (
    hash    ${BYTES} NOT NULL PRIMARY KEY,
    session ${UUID}  NOT NULL,
    ends_at ${TIME}  NOT NULL,
    used_at ${TIME},
    salt    ${BYTES}
);
CREATE INDEX refresh_token_by_end ON refresh_token (ends_at);

-- Until when each limit of tries is spent.
CREATE TABLE allowance (
    id          ${BYTES} NOT NULL PRIMARY KEY,
    spent_until ${TIME}  NOT NULL
);
CREATE INDEX allowance_by_end ON allowance (spent_until);

CREATE TABLE oauth_client (
    id         ${UUID}  NOT NULL PRIMARY KEY,
    kind       text     NOT NULL,
    name       text     NOT NULL,
    scopes     text     NOT NULL,
    jwks       ${BYTES} NOT NULL,
    added_at   ${TIME}  NOT NULL,
    revoked_at ${TIME}
);

-- Assertions that were used, until they are expired: each counts once.
CREATE TABLE oauth_assertion (
    client  ${UUID}  NOT NULL,
    jti     ${BYTES} NOT NULL,
    ends_at ${TIME}  NOT NULL,
    PRIMARY KEY (client, jti)
);
CREATE INDEX oauth_assertion_by_end ON oauth_assertion (ends_at);

-- +goose Down
DROP TABLE oauth_assertion;
DROP TABLE oauth_client;
DROP TABLE allowance;
DROP TABLE refresh_token;
DROP TABLE session;
DROP TABLE account_device;
DROP TABLE one_time_code;
DROP TABLE sign_in;
DROP TABLE registration;
DROP TABLE account;
