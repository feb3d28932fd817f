-- +goose Up
-- +goose ENVSUB ON

-- Directory: it leads from a person to his account. Who may sign in with a
-- certificate: the SNILS that it must name, as a keyed hash. A person has one account for it.
CREATE TABLE signer (
    account  ${UUID}  NOT NULL PRIMARY KEY,
    snils    ${BYTES} NOT NULL UNIQUE,
    bound_at ${TIME}  NOT NULL
);

-- Directory: it is of an account. From when the newest certificate is valid that the account used of each
-- authority: older ones were replaced by it.
CREATE TABLE signer_certificate (
    account    ${UUID}  NOT NULL,
    issuer     ${BYTES} NOT NULL,
    not_before ${TIME}  NOT NULL,
    PRIMARY KEY (account, issuer)
);

-- Directory: it is of nobody. Challenges that were answered, until they end: each is good once.
CREATE TABLE signature_challenge (
    hash    ${BYTES} NOT NULL PRIMARY KEY,
    ends_at ${TIME}  NOT NULL
);
CREATE INDEX signature_challenge_by_end ON signature_challenge (ends_at);

-- Directory: it is of an account, whatever card the request was about. What was confirmed by
-- an electronic signature. Sealed is the evidence: what was signed, the message, and what was found of it.
CREATE TABLE signature (
    account ${UUID}  NOT NULL,
    id      ${UUID}  NOT NULL,
    action  text     NOT NULL,
    digest  ${BYTES} NOT NULL,
    made_at ${TIME}  NOT NULL,
    sealed  ${BYTES} NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX signature_by_digest ON signature (account, digest);

-- +goose Down
DROP TABLE signature;
DROP TABLE signature_challenge;
DROP TABLE signer_certificate;
DROP TABLE signer;
