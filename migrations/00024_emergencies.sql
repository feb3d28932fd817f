-- +goose Up
-- +goose ENVSUB ON

-- Cards that a clinic's person opened in an emergency, without the owner's consent. The id is that of the grant; sealed has who, what and
-- the words of both the person and the reviewer. verdict is empty while the review waits.
CREATE TABLE emergency (
    card      ${UUID}  NOT NULL,
    id        ${UUID}  NOT NULL,
    client    text     NOT NULL,
    reason    text     NOT NULL,
    opened_at ${TIME}  NOT NULL,
    ends_at   ${TIME}  NOT NULL,
    due_at    ${TIME}  NOT NULL,
    verdict   text     NOT NULL DEFAULT '',
    sealed    ${BYTES} NOT NULL,
    PRIMARY KEY (card, id)
);
CREATE INDEX emergency_by_due ON emergency (due_at, card, id) WHERE verdict = '';
CREATE INDEX emergency_by_client ON emergency (client, opened_at);

-- +goose Down
DROP TABLE emergency;
