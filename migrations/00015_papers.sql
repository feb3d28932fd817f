-- +goose Up
-- +goose ENVSUB ON

-- The clinic has suspended it; state says where it goes on.
ALTER TABLE prescription ADD COLUMN on_hold boolean NOT NULL DEFAULT false;

-- Who took a referral (state is issued until it is used), and the chain of one that was handed on: what has a successor and
-- is cancelled was transferred.
ALTER TABLE referral ADD COLUMN holder text NOT NULL DEFAULT '';
ALTER TABLE referral ADD COLUMN replaces ${UUID};
ALTER TABLE referral ADD COLUMN replaced_by ${UUID};

CREATE TABLE certificate (
    card        ${UUID}  NOT NULL,
    id          ${UUID}  NOT NULL,
    token       ${BYTES} NOT NULL,
    issuer      text     NOT NULL,
    state       text     NOT NULL CHECK (state IN ('issued', 'revoked', 'expired')),
    valid_until ${TIME}  NOT NULL,
    sealed      ${BYTES} NOT NULL,
    PRIMARY KEY (card, id)
);

-- Directory: from the keyed hash of the number that is typed from a paper to the token in its code.
CREATE TABLE paper_number (
    number ${BYTES} NOT NULL PRIMARY KEY,
    token  ${BYTES} NOT NULL
);

-- Directory: a clinic's inbox is by clinic. What stands there names a paper and no patient.
CREATE TABLE clinic_notice (
    client text    NOT NULL,
    id     ${UUID} NOT NULL,
    at     ${TIME} NOT NULL,
    kind   text    NOT NULL,
    paper  ${UUID} NOT NULL,
    PRIMARY KEY (client, id)
);

-- An organisation's number in the state register, as the operator saw it; '' = not told.
ALTER TABLE oauth_client ADD COLUMN ogrn text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE oauth_client DROP COLUMN ogrn;
DROP TABLE clinic_notice;
DROP TABLE paper_number;
DROP TABLE certificate;
ALTER TABLE referral DROP COLUMN replaced_by;
ALTER TABLE referral DROP COLUMN replaces;
ALTER TABLE referral DROP COLUMN holder;
ALTER TABLE prescription DROP COLUMN on_hold;
