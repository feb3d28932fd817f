-- +goose Up
-- +goose ENVSUB ON

-- Directory: what happened to health data that should not have; the words are for all whom it concerns and hold nobody's data.
CREATE TABLE incident (
    id           ${UUID} NOT NULL PRIMARY KEY,
    found_at     ${TIME} NOT NULL,
    opened_at    ${TIME} NOT NULL,
    opened_by    text    NOT NULL,
    words_ru     text    NOT NULL,
    words_en     text    NOT NULL,
    reported_at  ${TIME},
    concluded_at ${TIME}
);

-- Directory: whom one concerns, and whether the mail to him was handed over and he read it in the app.
CREATE TABLE incident_concern (
    account   ${UUID} NOT NULL,
    incident  ${UUID} NOT NULL,
    told_at   ${TIME} NOT NULL,
    mailed_at ${TIME},
    read_at   ${TIME},
    PRIMARY KEY (account, incident)
);
CREATE INDEX incident_concern_by_incident ON incident_concern (incident);

-- +goose Down
DROP TABLE incident_concern;
DROP TABLE incident;
