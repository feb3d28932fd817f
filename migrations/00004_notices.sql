-- +goose Up
-- +goose ENVSUB ON

-- Directory: how a device is reached. A token belongs to one device, a device has one token. The token is sealed, its keyed hash
-- is what keeps it unique.
CREATE TABLE push_contact (
    device   ${UUID}  NOT NULL PRIMARY KEY,
    account  ${UUID}  NOT NULL,
    carrier  text     NOT NULL,
    hash     ${BYTES} NOT NULL UNIQUE,
    sealed   ${BYTES} NOT NULL,
    language text     NOT NULL,
    seen_at  ${TIME}  NOT NULL
);
CREATE INDEX push_contact_by_account ON push_contact (account);
CREATE INDEX push_contact_by_age ON push_contact (seen_at);

-- News of a card that an account's devices are to hear of. While it waits further changes join it, so that a burst of them
-- rings once. It says for whom there is news and not what.
CREATE TABLE push_news (
    card    ${UUID} NOT NULL,
    account text    NOT NULL,
    about   text    NOT NULL,
    notice  ${UUID} NOT NULL,
    sender  text    NOT NULL DEFAULT '',
    waiting boolean NOT NULL,
    PRIMARY KEY (card, account, about)
);

-- What a clinic asked to remind the card's owner of. sealed holds the subject.
CREATE TABLE reminder (
    card            ${UUID}  NOT NULL,
    id              ${UUID}  NOT NULL,
    client          text     NOT NULL,
    idempotency_key text     NOT NULL,
    template        text     NOT NULL,
    starts_at       ${TIME}  NOT NULL,
    send_at         ${TIME}  NOT NULL,
    created_at      ${TIME}  NOT NULL,
    sent_at         ${TIME},
    sealed          ${BYTES} NOT NULL,
    PRIMARY KEY (card, id),
    UNIQUE (card, client, idempotency_key)
);

-- +goose Down
DROP TABLE reminder;
DROP TABLE push_news;
DROP TABLE push_contact;
