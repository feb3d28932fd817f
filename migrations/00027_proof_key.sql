-- +goose Up
-- The thumbprint (RFC 7638) of the key with which each request of the session is proved (DPoP, RFC 9449); '' = of none.
ALTER TABLE session ADD COLUMN proof_key text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE session DROP COLUMN proof_key;
