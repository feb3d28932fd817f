-- +goose Up

-- A card's records in the order of lists: by date, those without one last. A page of a list reads as much as it shows.
CREATE INDEX record_by_date ON record (card, coalesce(dated, '0001-01-01T00:00:00.000000Z'), id);

-- +goose Down
DROP INDEX record_by_date;
