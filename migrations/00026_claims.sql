-- +goose Up
-- +goose ENVSUB ON

-- All tables here are directory tables: they are of an account, which may have no card yet.

-- A document may prove that its account's person acts for a patient: claim is the document's own id then, '' otherwise, so that a slot has
-- room for as many of these as there are patients. What is claimed stands in sealed. The table is made anew because SQLite changes no key.
CREATE TABLE document_anew (
    account    ${UUID}  NOT NULL,
    id         ${UUID}  NOT NULL,
    slot       text     NOT NULL,
    claim      text     NOT NULL,
    settled    boolean  NOT NULL,
    status     text     NOT NULL,
    changed_at ${TIME}  NOT NULL,
    sent_at    ${TIME},
    judged_at  ${TIME},
    reason     text     NOT NULL,
    key        ${BYTES} NOT NULL,
    sealed     ${BYTES} NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, slot, claim, settled)
);
INSERT INTO document_anew (account, id, slot, claim, settled, status, changed_at, sent_at, judged_at, reason, key, sealed)
    SELECT account, id, slot, '', settled, status, changed_at, sent_at, judged_at, reason, key, sealed FROM document;
DROP TABLE document;
CREATE INDEX document_by_sent ON document_anew (sent_at, account, id) WHERE status = 'checking';
CREATE INDEX document_by_change ON document_anew (changed_at) WHERE status IN ('draft', 'rejected');
ALTER TABLE document_anew RENAME TO document;

-- +goose Down
CREATE TABLE document_anew (
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
INSERT INTO document_anew SELECT account, id, slot, settled, status, changed_at, sent_at, judged_at, reason, key, sealed FROM document WHERE claim = '';
DELETE FROM document_file WHERE (account, document) IN (SELECT account, id FROM document WHERE claim <> '');
DROP TABLE document;
CREATE INDEX document_by_sent ON document_anew (sent_at, account, id) WHERE status = 'checking';
CREATE INDEX document_by_change ON document_anew (changed_at) WHERE status IN ('draft', 'rejected');
ALTER TABLE document_anew RENAME TO document;
