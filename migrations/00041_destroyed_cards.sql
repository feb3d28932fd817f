-- +goose Up
-- +goose ENVSUB ON

-- Directory: from an account to the cards that it owned, or for whose patient it acted, when they were destroyed. sealed, with a wrapping key, has by what
-- order that was and whom to ask.
CREATE TABLE destroyed_card (
    account   ${UUID}  NOT NULL,
    card      ${UUID}  NOT NULL,
    at        ${TIME}  NOT NULL,
    mailed_at ${TIME},
    sealed    ${BYTES} NOT NULL,
    PRIMARY KEY (account, card)
);

-- +goose Down
DROP TABLE destroyed_card;
