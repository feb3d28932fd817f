package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name: "backup", Usage: "copy the SQLite database into a file while the server runs", ArgsUsage: "FILE",
		Description: "FILE must not exist. It gets the database as it was when the copying began, and its name only after an integrity check.\n" +
			"The keys are NOT in it: keep a copy of the key folder in another place than FILE. Without the keys nobody can read a card,\n" +
			"with both anybody can. PostgreSQL is backed up with pg_dump.",
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() != 1 {
				return errors.New("name one file: medcard backup FILE")
			}
			db, folder, err := openExisting(ctx)
			if err != nil {
				return err
			}
			show, end := stepBar(os.Stderr)
			m, err := db.Backup(ctx, c.Args().First(), time.Now(), show)
			end()
			if err := errors.Join(err, db.Close()); err != nil {
				return err
			}
			fmt.Fprintf(c.Root().Writer, "%s holds %d cards, checked. The keys are not in it: keep a copy of %s in another place.\n",
				c.Args().First(), m.Cards, folder)
			return nil
		},
	}
}

// openExisting opens the configured database and makes nothing that is not there: a mistyped folder must not become an empty
// installation.
func openExisting(ctx context.Context) (db *store.DB, keyFolder string, err error) {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return nil, "", err
	}
	if cfg.Postgres == "" {
		if _, err := os.Stat(cfg.Database()); err != nil {
			return nil, "", fmt.Errorf("there is no database %s; is MEDCARD_DATA right?", cfg.Database())
		}
	}
	if !keys.Present(cfg.KeyFolder()) {
		return nil, "", fmt.Errorf("there are no keys in %s; is MEDCARD_KEYS right?", cfg.KeyFolder())
	}
	db, err = openStore(ctx)
	return db, cfg.KeyFolder(), err
}

// stepBar is a progress bar whose length is known with the first step.
func stepBar(screen *os.File) (show func(done, total int), end func()) {
	var bar *progress
	show = func(done, total int) {
		if bar == nil {
			bar = newProgress(screen, total)
		}
		bar.done, bar.total = done, max(total, done, 1)
		bar.draw()
	}
	end = func() {
		if bar != nil {
			bar.clear()
		}
	}
	return show, end
}
