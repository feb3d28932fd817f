-- +goose Up
-- +goose ENVSUB ON

-- A pharmacy lacks the medicine and has registered that it will get it.
ALTER TABLE prescription ADD COLUMN supply_holder text NOT NULL DEFAULT '';
ALTER TABLE prescription ADD COLUMN supply_since ${TIME};
ALTER TABLE prescription ADD COLUMN supply_due ${TIME};
ALTER TABLE prescription ADD COLUMN supply_arrived ${TIME};
CREATE INDEX prescription_by_supply ON prescription (supply_holder, supply_due) WHERE supply_holder <> '';

-- Handed out beyond what was prescribed, as receipts told later. It is counted apart, so dispensed <= prescribed holds for ever.
ALTER TABLE prescription_item ADD COLUMN excess bigint NOT NULL DEFAULT 0 CHECK (excess >= 0);

-- When its patient gave a paper up: from then on its code leads nowhere.
ALTER TABLE paper ADD COLUMN gone_at ${TIME};

-- What was handed out, entry by entry. receipt is null where the server itself was asked.
CREATE TABLE hand_out (
    card         ${UUID} NOT NULL,
    prescription ${UUID} NOT NULL,
    number       bigint  NOT NULL,
    client       text    NOT NULL,
    at           ${TIME} NOT NULL,
    portions     text    NOT NULL,
    receipt      ${BYTES},
    PRIMARY KEY (card, prescription, number)
);

-- Hand-outs that happened and should not have.
CREATE TABLE dispensing_case (
    card         ${UUID}  NOT NULL,
    prescription ${UUID}  NOT NULL,
    receipt      ${BYTES} NOT NULL,
    issuer       text     NOT NULL,
    at           ${TIME}  NOT NULL,
    concerns     text     NOT NULL,
    excess       text     NOT NULL,
    hand_outs    bigint   NOT NULL,
    PRIMARY KEY (card, prescription, receipt)
);
CREATE INDEX dispensing_case_by_issuer ON dispensing_case (issuer, at);

-- Directory: the devices of pharmacies that may sign receipts, and how far the chain of each has come.
CREATE TABLE counter_device (
    kid        ${BYTES} NOT NULL PRIMARY KEY,
    client     text     NOT NULL,
    public     ${BYTES} NOT NULL,
    name       text     NOT NULL,
    added_at   ${TIME}  NOT NULL,
    retired_at ${TIME},
    stolen_at  ${TIME},
    forked_at  ${TIME},
    receipts   bigint   NOT NULL DEFAULT 0,
    head       ${BYTES} NOT NULL
);
CREATE INDEX counter_device_by_client ON counter_device (client, added_at);

-- Directory: every receipt that came, by its hash. It knows tokens and no patients, as the status lists do.
CREATE TABLE receipt (
    hash       ${BYTES} NOT NULL PRIMARY KEY,
    client     text     NOT NULL,
    kid        ${BYTES},
    number     bigint   NOT NULL,
    came_at    ${TIME}  NOT NULL,
    state      text     NOT NULL CHECK (state IN ('applied', 'case', 'quarantined', 'dismissed')),
    doubt      text     NOT NULL DEFAULT '',
    chained    boolean  NOT NULL,
    content    text     NOT NULL,
    decided_at ${TIME},
    decided_by text     NOT NULL DEFAULT '',
    decision   text     NOT NULL DEFAULT ''
);
CREATE INDEX receipt_by_state ON receipt (state, came_at);
CREATE INDEX receipt_by_client ON receipt (client, came_at);
CREATE INDEX receipt_by_chain ON receipt (kid, number);

-- Directory: what a pharmacy's idempotency key was used for, over all prescriptions.
CREATE TABLE dispensing_key (
    client       text     NOT NULL,
    key_hash     ${BYTES} NOT NULL,
    request_hash ${BYTES} NOT NULL,
    used_at      ${TIME}  NOT NULL,
    PRIMARY KEY (client, key_hash)
);

-- +goose Down
DROP TABLE dispensing_key;
DROP TABLE receipt;
DROP TABLE counter_device;
DROP TABLE dispensing_case;
DROP TABLE hand_out;
ALTER TABLE paper DROP COLUMN gone_at;
ALTER TABLE prescription_item DROP COLUMN excess;
DROP INDEX prescription_by_supply;
ALTER TABLE prescription DROP COLUMN supply_arrived;
ALTER TABLE prescription DROP COLUMN supply_due;
ALTER TABLE prescription DROP COLUMN supply_since;
ALTER TABLE prescription DROP COLUMN supply_holder;
