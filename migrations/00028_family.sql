-- +goose Up
-- +goose ENVSUB ON

-- What a person may do besides reading (words), on which installation alone, and by what right he acts for the patient.
ALTER TABLE access_grant ADD COLUMN powers text NOT NULL DEFAULT '';
ALTER TABLE access_grant ADD COLUMN device text NOT NULL DEFAULT '';
ALTER TABLE access_grant ADD COLUMN representation text NOT NULL DEFAULT '';

-- Who may act for the card's patient. sealed has level, basis, powers and the turns, which tell the day of birth.
CREATE TABLE representation (
    card     ${UUID}  NOT NULL,
    id       ${UUID}  NOT NULL,
    agent    text     NOT NULL,
    since_at ${TIME}  NOT NULL,
    until_at ${TIME},
    ended_at ${TIME},
    held_at  ${TIME},
    sealed   ${BYTES} NOT NULL,
    PRIMARY KEY (card, id)
);
CREATE INDEX representation_by_agent ON representation (agent, card);

-- What its people are to be told, once each.
CREATE TABLE representation_notice (
    card           ${UUID} NOT NULL,
    representation ${UUID} NOT NULL,
    about          text    NOT NULL,
    due_at         ${TIME} NOT NULL,
    sent_at        ${TIME},
    PRIMARY KEY (card, representation, about)
);
CREATE INDEX representation_notice_by_due ON representation_notice (due_at) WHERE sent_at IS NULL;

-- Directory: it is of no card. Whom a clinic names as a practitioner of its own.
CREATE TABLE practitioner (
    account  text    NOT NULL,
    client   ${UUID} NOT NULL,
    position text    NOT NULL,
    ends_at  ${TIME} NOT NULL,
    PRIMARY KEY (account, client)
);

-- Directory: from an account to the cards that it sees, on one installation where the device is named.
CREATE TABLE account_device_card (
    account text    NOT NULL,
    card    ${UUID} NOT NULL,
    device  text    NOT NULL DEFAULT '',
    PRIMARY KEY (account, card, device)
);
INSERT INTO account_device_card (account, card) SELECT account, card FROM account_card;
DROP TABLE account_card;
ALTER TABLE account_device_card RENAME TO account_card;

-- +goose Down
-- Directory: from an account to the cards that it sees.
CREATE TABLE account_only_card (
    account text    NOT NULL,
    card    ${UUID} NOT NULL,
    PRIMARY KEY (account, card)
);
INSERT INTO account_only_card (account, card) SELECT DISTINCT account, card FROM account_card WHERE device = '';
DROP TABLE account_card;
ALTER TABLE account_only_card RENAME TO account_card;
DROP TABLE practitioner;
DROP TABLE representation_notice;
DROP TABLE representation;
ALTER TABLE access_grant DROP COLUMN representation;
ALTER TABLE access_grant DROP COLUMN device;
ALTER TABLE access_grant DROP COLUMN powers;
