-- +goose Up
-- +goose ENVSUB ON

-- Directory: the shards of the status lists in which places are given away. No card.
CREATE TABLE status_shard (
    list      bigint  NOT NULL PRIMARY KEY,
    opened_at ${TIME} NOT NULL
);

INSERT INTO status_shard (list, opened_at) SELECT list, '2026-12-01T00:00:00.000000Z' FROM paper_status GROUP BY list;

-- A keyed hash of what a paper's code says: whether a code is the one that was issued, also when a key was stolen. Of papers that
-- are older than this column nothing can be told.
ALTER TABLE paper_status ADD COLUMN content ${BYTES};

-- Directory: the key set as it was published last, one row for all servers. Its sequence only grows.
CREATE TABLE key_set (
    id       bigint  NOT NULL PRIMARY KEY,
    sequence bigint  NOT NULL,
    signed   ${BYTES} NOT NULL
);

-- Directory: what happened to signing keys, in the order of publication. No card, no secret.
CREATE TABLE key_event (
    sequence bigint  NOT NULL,
    kid      text    NOT NULL,
    usage    text    NOT NULL,
    what     text    NOT NULL,
    at       ${TIME} NOT NULL,
    PRIMARY KEY (sequence, kid, what)
);

-- +goose Down
DROP TABLE key_event;
DROP TABLE key_set;
ALTER TABLE paper_status DROP COLUMN content;
DROP TABLE status_shard;
