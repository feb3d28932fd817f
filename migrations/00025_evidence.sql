-- +goose Up
-- +goose ENVSUB ON

-- All tables here are directory tables: they are of an account, which may have no card yet.

-- A document that a person sent to prove who he is. settled is the approved one of its slot, beside which one may stand that is to replace
-- it. key is the document's own, wrapped; sealed has the number, and what the reviewer said.
CREATE TABLE document (
    account    ${UUID}  NOT NULL,
    id         ${UUID}  NOT NULL,
    slot       text     NOT NULL,
    settled    boolean  NOT NULL,
    status     text     NOT NULL,
    changed_at ${TIME}  NOT NULL,
    sent_at    ${TIME},
    judged_at  ${TIME},
    reason     text     NOT NULL,
    key        ${BYTES} NOT NULL,
    sealed     ${BYTES} NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, slot, settled)
);
CREATE INDEX document_by_sent ON document (sent_at, account, id) WHERE status = 'checking';
CREATE INDEX document_by_change ON document (changed_at) WHERE status IN ('draft', 'rejected');

CREATE TABLE document_file (
    account  ${UUID}  NOT NULL,
    document ${UUID}  NOT NULL,
    number   bigint   NOT NULL,
    format   text     NOT NULL,
    size     bigint   NOT NULL,
    pages    bigint   NOT NULL,
    sealed   ${BYTES} NOT NULL,
    PRIMARY KEY (account, document, number)
);

-- A person's policy of compulsory medical insurance: its insurer's code answers the challenge. A policy is one account's once it is
-- linked, not before: a stranger who types a number holds no place.
CREATE TABLE policy_link (
    account    ${UUID}  NOT NULL PRIMARY KEY,
    challenge  ${UUID}  NOT NULL,
    state      text     NOT NULL,
    hash       ${BYTES} NOT NULL,
    sealed     ${BYTES} NOT NULL,
    asked_at   ${TIME}  NOT NULL,
    settled_at ${TIME}
);
CREATE UNIQUE INDEX policy_link_by_number ON policy_link (hash) WHERE state = 'linked';

-- Cards that a person redeemed and does not see until he has proved who he is.
CREATE TABLE awaited_card (
    account ${UUID} NOT NULL,
    card    ${UUID} NOT NULL,
    PRIMARY KEY (account, card)
);

-- What an owner's grant waits for, a code such as documents.not_approved. While it waits it has ended; let in, it begins.
ALTER TABLE access_grant ADD COLUMN awaits text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE access_grant DROP COLUMN awaits;
DROP TABLE awaited_card;
DROP TABLE policy_link;
DROP TABLE document_file;
DROP TABLE document;
