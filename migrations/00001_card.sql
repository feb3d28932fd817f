-- +goose Up
-- +goose ENVSUB ON

-- The card: where its commits are put in order (seq), and its wrapped data key. The row lock on it is taken first by
-- every transaction that changes the card, so sequence order is commit order.
CREATE TABLE card (
    id           ${UUID}  NOT NULL PRIMARY KEY,
    seq          bigint   NOT NULL DEFAULT 0,
    epoch        text     NOT NULL,
    gc_seq       bigint   NOT NULL DEFAULT 0,
    audit_count  bigint   NOT NULL DEFAULT 0,
    wrapped_key  ${BYTES} NOT NULL,
    created_at   ${TIME}  NOT NULL
);

-- A record at its newest sequence. sealed holds the atoms with their values.
CREATE TABLE record (
    card    ${UUID}  NOT NULL,
    id      ${UUID}  NOT NULL,
    kind    text     NOT NULL,
    scope   text     NOT NULL,
    seq     bigint   NOT NULL,
    vv      text     NOT NULL,
    deleted boolean  NOT NULL DEFAULT false,
    dated   ${TIME},
    sealed  ${BYTES} NOT NULL,
    PRIMARY KEY (card, id)
);
CREATE UNIQUE INDEX record_by_seq ON record (card, seq, id);

-- What a record was before each change.
CREATE TABLE record_version (
    card   ${UUID}  NOT NULL,
    id     ${UUID}  NOT NULL,
    seq    bigint   NOT NULL,
    vv     text     NOT NULL,
    sealed ${BYTES} NOT NULL,
    PRIMARY KEY (card, id, seq)
);

-- Every move of a record between scopes, so that "visible at C" reads the scope in force at C.
CREATE TABLE record_scope (
    card  ${UUID} NOT NULL,
    id    ${UUID} NOT NULL,
    seq   bigint  NOT NULL,
    scope text    NOT NULL,
    PRIMARY KEY (card, id, seq)
);

-- The newest sequence of each scope: what a device is told of the card's head comes from the scopes it may see.
CREATE TABLE card_scope (
    card  ${UUID} NOT NULL,
    scope text    NOT NULL,
    head  bigint  NOT NULL,
    PRIMARY KEY (card, scope)
);

-- A device as an actor of one card. Ordinals are small and never used again: a device that must start anew gets another one.
CREATE TABLE card_actor (
    card      ${UUID} NOT NULL,
    ordinal   bigint  NOT NULL,
    device    text    NOT NULL,
    key       text    NOT NULL DEFAULT '',
    lmid      bigint  NOT NULL DEFAULT 0,
    acked     bigint  NOT NULL DEFAULT 0,
    low       bigint  NOT NULL DEFAULT 0,
    state     text    NOT NULL,
    last_seen ${TIME} NOT NULL,
    PRIMARY KEY (card, ordinal)
);

-- What became of a pushed mutation, kept until the device says that it stored the answer.
CREATE TABLE mutation_result (
    card    ${UUID}  NOT NULL,
    actor   bigint   NOT NULL,
    n       bigint   NOT NULL,
    hash    ${BYTES} NOT NULL,
    outcome text     NOT NULL,
    code    text     NOT NULL DEFAULT '',
    PRIMARY KEY (card, actor, n)
);

CREATE TABLE access_grant (
    card       ${UUID} NOT NULL,
    id         ${UUID} NOT NULL,
    role       text    NOT NULL,
    account    text    NOT NULL DEFAULT '',
    client     text    NOT NULL DEFAULT '',
    scopes     text    NOT NULL,
    purpose    text    NOT NULL,
    starts_at  ${TIME} NOT NULL,
    ends_at    ${TIME},
    revoked_at ${TIME},
    PRIMARY KEY (card, id)
);

-- Directory: from an account to the cards it owns.
CREATE TABLE account_card (
    account text    NOT NULL,
    card    ${UUID} NOT NULL,
    PRIMARY KEY (account, card)
);

-- Who did what with the card, numbered per card without gaps. sealed holds names, organisation and kind of thing.
CREATE TABLE audit_entry (
    card       ${UUID}  NOT NULL,
    number     bigint   NOT NULL,
    at         ${TIME}  NOT NULL,
    action     text     NOT NULL,
    purpose    text     NOT NULL,
    actor_kind text     NOT NULL,
    account    text     NOT NULL DEFAULT '',
    device     text     NOT NULL DEFAULT '',
    client     text     NOT NULL DEFAULT '',
    request    text     NOT NULL,
    sealed     ${BYTES} NOT NULL,
    PRIMARY KEY (card, number)
);
CREATE INDEX audit_entry_by_reader ON audit_entry (card, account, device, purpose, at);

-- +goose Down
DROP TABLE audit_entry;
DROP TABLE account_card;
DROP TABLE access_grant;
DROP TABLE mutation_result;
DROP TABLE card_actor;
DROP TABLE card_scope;
DROP TABLE record_scope;
DROP TABLE record_version;
DROP TABLE record;
DROP TABLE card;
