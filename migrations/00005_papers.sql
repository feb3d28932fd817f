-- +goose Up
-- +goose ENVSUB ON

-- A prescription that was issued. sealed holds what stands on it; state, amounts and the hold are in the clear, because the
-- database itself guards them.
CREATE TABLE prescription (
    card         ${UUID}  NOT NULL,
    id           ${UUID}  NOT NULL,
    token        ${BYTES} NOT NULL,
    issuer       text     NOT NULL,
    version      bigint   NOT NULL DEFAULT 0,
    state        text     NOT NULL CHECK (state IN ('issued', 'in_work', 'partly_dispensed', 'dispensed', 'cancelled', 'expired')),
    valid_until  ${TIME}  NOT NULL,
    lease_id     text     NOT NULL DEFAULT '',
    lease_holder text     NOT NULL DEFAULT '',
    lease_secret ${BYTES},
    lease_until  ${TIME},
    sealed       ${BYTES} NOT NULL,
    PRIMARY KEY (card, id),
    CHECK ((state = 'in_work') = (lease_until IS NOT NULL))
);

-- What was prescribed and handed out of each item: never more than prescribed.
CREATE TABLE prescription_item (
    card         ${UUID} NOT NULL,
    prescription ${UUID} NOT NULL,
    item         bigint  NOT NULL,
    prescribed   bigint  NOT NULL,
    dispensed    bigint  NOT NULL DEFAULT 0,
    every_days   bigint  NOT NULL,
    next_at      ${TIME},
    PRIMARY KEY (card, prescription, item),
    CHECK (dispensed >= 0 AND dispensed <= prescribed)
);

-- What a pharmacy was answered under an idempotency key.
CREATE TABLE dispensing_answer (
    card         ${UUID}  NOT NULL,
    prescription ${UUID}  NOT NULL,
    client       text     NOT NULL,
    key_hash     ${BYTES} NOT NULL,
    request_hash ${BYTES} NOT NULL,
    answered_at  ${TIME}  NOT NULL,
    sealed       ${BYTES} NOT NULL,
    PRIMARY KEY (card, prescription, client, key_hash)
);

CREATE TABLE referral (
    card        ${UUID}  NOT NULL,
    id          ${UUID}  NOT NULL,
    token       ${BYTES} NOT NULL,
    issuer      text     NOT NULL,
    state       text     NOT NULL CHECK (state IN ('issued', 'used', 'cancelled', 'expired')),
    valid_until ${TIME}  NOT NULL,
    sealed      ${BYTES} NOT NULL,
    PRIMARY KEY (card, id)
);

-- Directory: from the token in a code, or from a paper's id, to its card.
CREATE TABLE paper (
    token ${BYTES} NOT NULL PRIMARY KEY,
    kind  text     NOT NULL,
    id    ${UUID}  NOT NULL UNIQUE,
    card  ${UUID}  NOT NULL
);

-- Directory: a paper's place in the status lists. Lists know tokens and no patients.
CREATE TABLE paper_status (
    list   bigint   NOT NULL,
    place  bigint   NOT NULL,
    token  ${BYTES} NOT NULL UNIQUE,
    status bigint   NOT NULL,
    PRIMARY KEY (list, place)
);

-- +goose Down
DROP TABLE paper_status;
DROP TABLE paper;
DROP TABLE referral;
DROP TABLE dispensing_answer;
DROP TABLE prescription_item;
DROP TABLE prescription;
