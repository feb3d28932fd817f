-- +goose Up
-- +goose ENVSUB ON

-- Directory: by what a patient's card is found. hash is the keyed hash of a number of a state register, or of one
-- organisation's own name of the patient; system names the register, '' for an organisation's name.
CREATE TABLE patient_key (
    hash   ${BYTES} NOT NULL PRIMARY KEY,
    system text     NOT NULL,
    card   ${UUID}  NOT NULL,
    born   ${BYTES}
);
CREATE INDEX patient_key_by_card ON patient_key (card);

-- Every version of every resource that an organisation posted, byte for byte in sealed. key_hash is the keyed hash of the
-- organisation's own name of the resource, digest that of what the resource says.
CREATE TABLE posting (
    card      ${UUID}  NOT NULL,
    client    text     NOT NULL,
    key_hash  ${BYTES} NOT NULL,
    version   bigint   NOT NULL,
    type      text     NOT NULL,
    record    text     NOT NULL,
    digest    ${BYTES} NOT NULL,
    posted_at ${TIME}  NOT NULL,
    sealed    ${BYTES} NOT NULL,
    PRIMARY KEY (card, client, key_hash, version)
);

-- Directory: from a claim code to the card that it opens to whoever redeems it.
CREATE TABLE claim_code (
    code_hash   ${BYTES} NOT NULL PRIMARY KEY,
    card        ${UUID}  NOT NULL,
    client      text     NOT NULL,
    ends_at     ${TIME}  NOT NULL,
    redeemed_at ${TIME},
    redeemed_by text     NOT NULL DEFAULT ''
);
CREATE INDEX claim_code_by_card ON claim_code (card, client);

-- +goose Down
DROP TABLE claim_code;
DROP TABLE posting;
DROP TABLE patient_key;
