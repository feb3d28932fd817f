-- +goose Up
-- +goose ENVSUB ON

-- The tables of the audit log: see app/auditing/doc.go. They hold no patient data: only hashes, and which entry each is of.

-- Directory: entries whose turn in the log has not come, in the order in which they were written. It crosses cards because the log does; an
-- entry's own transaction adds its row and touches nothing that two cards share.
CREATE TABLE audit_pending (
    id     ${UUID}  NOT NULL PRIMARY KEY,
    card   ${UUID}  NOT NULL,
    number bigint   NOT NULL,
    hash   ${BYTES} NOT NULL
);

-- Directory: the log, one row for each entry of all cards. It leads from a place in the log to the entry, and back.
CREATE TABLE audit_leaf (
    position bigint   NOT NULL PRIMARY KEY,
    card     ${UUID}  NOT NULL,
    number   bigint   NOT NULL,
    hash     ${BYTES} NOT NULL,
    UNIQUE (card, number)
);

-- Directory: the inner hashes of the tree over the log. No card.
CREATE TABLE audit_node (
    position bigint   NOT NULL PRIMARY KEY,
    hash     ${BYTES} NOT NULL
);

-- Directory: how long the log is and the checkpoint that was signed for that. One row; whoever extends the log locks it. No card.
CREATE TABLE audit_head (
    id     bigint NOT NULL PRIMARY KEY,
    size   bigint NOT NULL,
    signed text   NOT NULL
);
INSERT INTO audit_head (id, size, signed) VALUES (1, 0, '');

-- +goose Down
DROP TABLE audit_head;
DROP TABLE audit_node;
DROP TABLE audit_leaf;
DROP TABLE audit_pending;
