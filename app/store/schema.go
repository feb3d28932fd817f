package store

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// NewSchema makes a schema of its own in a PostgreSQL database, for a test or a demo. It gives the DSN that leads into it, and what
// drops it again.
func NewSchema(ctx context.Context, dsn string) (inside string, drop func() error, err error) {
	name := "medcard_" + strings.ToLower(rand.Text()[:12])
	run := func(ctx context.Context, statement string) error {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return errors.New("cannot connect to the PostgreSQL database that is named") // never err: it may quote the DSN
		}
		_, err = conn.Exec(ctx, statement)
		return errors.Join(err, conn.Close(ctx))
	}
	if err := run(ctx, "CREATE SCHEMA "+name); err != nil {
		return "", nil, err
	}
	drop = func() error { return run(context.WithoutCancel(ctx), "DROP SCHEMA "+name+" CASCADE") }
	return WithSetting(dsn, "search_path", name), drop, nil
}

// WithSetting adds a setting of the session to a DSN of either form, in place of the one that it has.
func WithSetting(dsn, name, value string) string {
	if u, err := url.Parse(dsn); err == nil && strings.Contains(dsn, "://") {
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	return dsn + " " + name + "=" + value
}
