-- +goose Up
-- +goose ENVSUB ON

-- Directory: what was done with an account: sign-ins and changes of the ways in. due_at is when the upkeep writes it into the audit log; NULL: it
-- has. fold is one for all refused sign-ins of an hour from one network, which it holds as a keyed hash, and else the row's own id.
CREATE TABLE account_event (
    account      ${UUID} NOT NULL,
    id           ${UUID} NOT NULL,
    fold         text    NOT NULL,
    kind         text    NOT NULL,
    what         text    NOT NULL,
    device       text    NOT NULL,
    client       text    NOT NULL,
    organisation text    NOT NULL,
    at           ${TIME} NOT NULL,
    last_at      ${TIME} NOT NULL,
    count        bigint  NOT NULL,
    due_at       ${TIME},
    PRIMARY KEY (account, id),
    UNIQUE (account, fold)
);
CREATE INDEX account_event_by_due ON account_event (id) WHERE due_at IS NOT NULL;
CREATE INDEX account_event_by_age ON account_event (at);

-- +goose Down
DROP TABLE account_event;
