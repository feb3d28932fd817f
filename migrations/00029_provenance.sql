-- +goose Up
-- +goose ENVSUB ON

-- Who wrote a version of a record in the patient's name, and by what right. What people write in their own name has no row.
CREATE TABLE provenance (
    card           ${UUID} NOT NULL,
    record         ${UUID} NOT NULL,
    seq            bigint  NOT NULL,
    agent          text    NOT NULL,
    representation ${UUID} NOT NULL,
    written_at     ${TIME} NOT NULL,
    PRIMARY KEY (card, record, seq)
);

-- +goose Down
DROP TABLE provenance;
