-- +goose Up
-- +goose ENVSUB ON

-- Directory: until when prescriptions are open though nobody does anything. The upkeep looks here for those that time has ended: they leave
-- what is current. Rows go when a prescription is over.
CREATE TABLE prescription_end (
    card         ${UUID} NOT NULL,
    prescription ${UUID} NOT NULL,
    at           ${TIME} NOT NULL,
    PRIMARY KEY (card, prescription)
);
CREATE INDEX prescription_end_by_time ON prescription_end (at);

-- Those of before are looked at once at once, and so come to stand among what is current, or not.
INSERT INTO prescription_end (card, prescription, at)
    SELECT card, id, '2000-01-01 00:00:00+00:00' FROM prescription WHERE state IN ('issued', 'in_work', 'partly_dispensed');

-- +goose Down
DROP TABLE prescription_end;
