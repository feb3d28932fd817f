-- +goose Up
-- +goose ENVSUB ON

-- Directory: it is of no card. The keys that wrap the cards' data keys, from when on each wrapped; the highest number does. No secret. No row:
-- it is the first one.
CREATE TABLE wrapping_key (
    number      bigint  NOT NULL PRIMARY KEY,
    fingerprint text    NOT NULL,
    used_from   ${TIME} NOT NULL,
    dropped_at  ${TIME}
);

-- +goose Down
DROP TABLE wrapping_key;
