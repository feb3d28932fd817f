-- +goose Up
-- +goose ENVSUB ON

-- The commit that brought the record, as far as kept: see Forget in app/store/collect.go. So where it has always been needs no row in record_scope, which would be one for each record of the
-- country: only moves have one, each with the record's born. Of records of before it is not known: 0 stands for the card's beginning, and
-- a phone may be told to forget one that it never had.
ALTER TABLE record ADD COLUMN born bigint NOT NULL DEFAULT 0;
ALTER TABLE record_scope ADD COLUMN born bigint NOT NULL DEFAULT 0;
DELETE FROM record_scope WHERE was = '';

-- +goose Down
INSERT INTO record_scope (card, id, seq, scope, was, born)
    SELECT card, id, born, scope, '', born FROM record AS r
    WHERE NOT EXISTS (SELECT 1 FROM record_scope AS s WHERE s.card = r.card AND s.id = r.id);
ALTER TABLE record_scope DROP COLUMN born;
ALTER TABLE record DROP COLUMN born;
