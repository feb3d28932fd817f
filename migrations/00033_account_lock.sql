-- +goose Up
-- +goose ENVSUB ON

-- Directory: accounts that an operator locked. sealed has the operator's name and words, and the person's when he appealed.
CREATE TABLE account_lock (
    account     ${UUID}  NOT NULL PRIMARY KEY,
    reason      text     NOT NULL,
    since       ${TIME}  NOT NULL,
    appealed_at ${TIME},
    sealed      ${BYTES} NOT NULL
);

-- +goose Down
DROP TABLE account_lock;
