-- +goose Up

-- What row security kept 00042 from seeing.
ALTER TABLE prescription NO FORCE ROW LEVEL SECURITY;
INSERT INTO prescription_end (card, prescription, at)
    SELECT card, id, '2000-01-01 00:00:00+00:00' FROM prescription WHERE state IN ('issued', 'in_work', 'partly_dispensed') ON CONFLICT DO NOTHING;
ALTER TABLE prescription FORCE ROW LEVEL SECURITY;

-- +goose Down
SELECT 1;
