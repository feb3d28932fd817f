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

-- Since when a card has no key any more: wrapped_key is empty then. It stays a card, so that its entries in the audit log do.
ALTER TABLE card ADD COLUMN shredded_at ${TIME};

-- The entry of the audit log that says who destroyed a card's key and why: sealed is what elsewhere is sealed with that key.
CREATE TABLE shredding (
    card   ${UUID}  NOT NULL PRIMARY KEY,
    number bigint   NOT NULL,
    sealed ${BYTES} NOT NULL
);

-- +goose Down
DROP TABLE shredding;
ALTER TABLE card DROP COLUMN shredded_at;
DROP TABLE wrapping_key;
