-- +goose Up
-- +goose ENVSUB ON

-- What the numbers of an insurer's policies begin with, space-separated; empty for every other kind of client.
ALTER TABLE oauth_client ADD COLUMN policies text NOT NULL DEFAULT '';

-- Directory: it is of an account, which may have no card yet. What an insurer is asked of a policy that a person named (policy_link, whose
-- challenge is the id). sealed is the person's name and date of birth, as he typed them for the insurer; the number is the link's. An account
-- has one question at a time.
CREATE TABLE policy_question (
    id          ${UUID}  NOT NULL PRIMARY KEY,
    account     ${UUID}  NOT NULL UNIQUE,
    insurer     ${UUID}  NOT NULL,
    asked_at    ${TIME}  NOT NULL,
    answered_at ${TIME},
    refusal     text     NOT NULL,
    sealed      ${BYTES} NOT NULL
);
CREATE INDEX policy_question_by_insurer ON policy_question (insurer, asked_at, id) WHERE answered_at IS NULL;
CREATE INDEX policy_question_by_asking ON policy_question (asked_at) WHERE answered_at IS NULL;

-- +goose Down
DROP TABLE policy_question;
ALTER TABLE oauth_client DROP COLUMN policies;
