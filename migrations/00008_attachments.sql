-- +goose Up
-- +goose ENVSUB ON

-- A file that records of the card name. Nobody who has the database alone learns which file it is: name is a hash of its content under
-- a key of ours, with the card in it, so that one file on two cards does not show either. A clinic's file is kept as long as the card;
-- one that came from a phone alone goes when no record names it any more.
CREATE TABLE attachment (
    card      ${UUID}  NOT NULL,
    name      ${BYTES} NOT NULL,
    size      bigint   NOT NULL,
    published boolean  NOT NULL,
    PRIMARY KEY (card, name)
);

-- Its bytes in sealed pieces of 256 KiB, so that nobody has to hold all of it: with author '' those of the file, else those that a person
-- has uploaded so far.
CREATE TABLE attachment_piece (
    card   ${UUID}  NOT NULL,
    name   ${BYTES} NOT NULL,
    author text     NOT NULL,
    number bigint   NOT NULL,
    sealed ${BYTES} NOT NULL,
    PRIMARY KEY (card, name, author, number)
);

-- What a person uploads. Once it is complete the row is the proof that the person has the file: to know a hash is not enough. sealed is the
-- hash of what has come, in the middle of its work. idle is since when nothing comes, or no record names it.
CREATE TABLE attachment_upload (
    card     ${UUID}  NOT NULL,
    name     ${BYTES} NOT NULL,
    author   text     NOT NULL,
    size     bigint   NOT NULL,
    arrived  bigint   NOT NULL,
    complete boolean  NOT NULL,
    idle     ${TIME},
    sealed   ${BYTES},
    PRIMARY KEY (card, name, author)
);

-- Which records name which files, of records that are not deleted and as they are now, siblings too. author is who brought the name into
-- the record; '' is whom we believe without a proof: a clinic's bundle brings the bytes along.
CREATE TABLE record_attachment (
    card   ${UUID}  NOT NULL,
    record ${UUID}  NOT NULL,
    name   ${BYTES} NOT NULL,
    author text     NOT NULL,
    PRIMARY KEY (card, record, name)
);
CREATE INDEX record_attachment_by_name ON record_attachment (card, name);

-- +goose Down
DROP TABLE record_attachment;
DROP TABLE attachment_upload;
DROP TABLE attachment_piece;
DROP TABLE attachment;
