package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
)

// keysCommand is for operators: the keys that sign codes, key sets and status lists. There is no route to it, and it never shows a
// secret.
func keysCommand() *cli.Command {
	return &cli.Command{
		Name: "keys", Usage: "the signing keys: list, rotate, withdraw one that was stolen, hand the root over; and the keys of cards: wrap them anew, renew or destroy one",
		Description: `The server makes the keys that it needs by itself: of each usage the oldest in force signs for ninety days, and a
younger one is published beside it a week ahead. What these commands change a running server publishes within seconds; each
change is remembered in the database (medcard keys log).

Each card has a data key, which stands in the database wrapped with a wrapping key. That one changes on command: wrap, rewrap, drop. A
card gets another data key: renew. Who deletes a card's own key destroys the card: shred.`,
		Commands: append([]*cli.Command{
			{Name: "list", Usage: "list the keys with their terms", Action: listKeys},
			{Name: "rotate", Usage: "make one more key for a usage, or for all", ArgsUsage: "[USAGE]", Action: rotateKeys},
			{
				Name: "compromise", Usage: "withdraw a key that somebody else may have, for good", ArgsUsage: "KEY",
				Description: `Its secret half is destroyed and another key takes over at once. Offline, nothing that it signed can be told from a
forgery any more; online the server's own record of what it issued decides.`,
				Action: compromiseKey,
			},
			{
				Name: "handover", Usage: "retire the root; its successor signs the key set from now on",
				Description: `Readers that have pinned both go on without a change and refuse the old root. A new successor is made: give its
public half to readers with their next release.`,
				Action: handOver,
			},
			{Name: "log", Usage: "what became of which key, and when", Action: listKeyEvents},
		}, slices.Concat(wrappingCommands(), renewingCommands(), shreddingCommands())...),
	}
}

// codeUsages are the usages whose keys come and go.
var codeUsages = []keys.Usage{keys.Prescription, keys.Referral, keys.Certificate, keys.Status}

func openCustody() (config.Config, *keys.Custody, error) {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return cfg, nil, err
	}
	custody, err := server.Custody(cfg, time.Now)
	return cfg, custody, err
}

func listKeys(_ context.Context, c *cli.Command) error {
	_, custody, err := openCustody()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tUSAGE\tSTATE\tSIGNS FROM\tUNTIL")
	for _, usage := range codeUsages {
		ring, err := custody.Ring(usage)
		if err != nil {
			return err
		}
		signing, _ := ring.Signing(time.Now())
		for _, s := range ring {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.ID(), usage, keyState(s, signing, time.Now()), s.From.Format(time.DateOnly), s.Until().Format(time.DateOnly))
		}
	}
	roots, err := custody.Ring(keys.TrustRoot)
	if err != nil {
		return err
	}
	state := "signs"
	for _, s := range roots {
		if !s.Retired.IsZero() {
			fmt.Fprintf(table, "%s\t%s\thanded over\t%s\t%s\n", s.ID(), s.Usage, s.From.Format(time.DateOnly), s.Retired.Format(time.DateOnly))
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t\n", s.ID(), s.Usage, state, s.From.Format(time.DateOnly))
		state = "successor"
	}
	wrapping, err := custody.Wrappings()
	if err != nil {
		return err
	}
	for i, w := range wrapping {
		state, made := "older", "with the folder"
		if i == len(wrapping)-1 {
			state = "newest"
		}
		if !w.Made.IsZero() {
			made = w.Made.Format(time.DateOnly)
		}
		fmt.Fprintf(table, "%d\twrap\t%s\t%s\t\n", w.Number, state, made)
	}
	return table.Flush()
}

func keyState(s, signing keys.Signer, now time.Time) string {
	switch {
	case !s.Compromised.IsZero():
		return "compromised"
	case now.After(s.Until()):
		return "retired"
	case s.Key.Equal(signing.Key):
		return "signs"
	case s.InForce(now):
		return "reserve"
	}
	return "published"
}

func rotateKeys(ctx context.Context, c *cli.Command) error {
	cfg, custody, err := openCustody()
	if err != nil {
		return err
	}
	which := codeUsages
	if c.Args().Present() {
		usage := keys.Usage(c.Args().First())
		which = []keys.Usage{usage}
		if !isCodeUsage(usage) {
			return fmt.Errorf("a usage is one of %v", codeUsages)
		}
	}
	for _, usage := range which {
		s, err := custody.Rotate(usage)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.Root().Writer, "%s %s signs from %s on, after those before it.\n", usage, s.ID(), s.From.Format(time.DateOnly))
	}
	return publishKeys(ctx, cfg, custody, c.Root().Writer)
}

func isCodeUsage(u keys.Usage) bool {
	for _, known := range codeUsages {
		if u == known {
			return true
		}
	}
	return false
}

func compromiseKey(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return errors.New("which key? `medcard keys list` shows the ids")
	}
	cfg, custody, err := openCustody()
	if err != nil {
		return err
	}
	id := keys.KeyID(c.Args().First())
	for _, usage := range codeUsages {
		err := custody.Compromise(usage, id)
		if errors.Is(err, keys.ErrNoKey) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.Root().Writer, "%s %s is withdrawn.\n", usage, id)
		return publishKeys(ctx, cfg, custody, c.Root().Writer)
	}
	return fmt.Errorf("%w: %q; a root is not withdrawn but handed over", keys.ErrNoKey, id)
}

func handOver(ctx context.Context, c *cli.Command) error {
	cfg, custody, err := openCustody()
	if err != nil {
		return err
	}
	root, successor, err := custody.Handover()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Root().Writer, "%s signs the key set. Its successor, for readers to pin: %s=%x\n", root.ID(), cfg.Issuer, successor.Key)
	return publishKeys(ctx, cfg, custody, c.Root().Writer)
}

// publishKeys publishes what changed at once. The change itself stands in the key folder: a server publishes it even if this fails.
func publishKeys(ctx context.Context, cfg config.Config, custody *keys.Custody, out io.Writer) error {
	err := withDatabase(ctx, cfg, custody, func(db *store.DB) error {
		issue, err := server.Publisher(db, custody, cfg, time.Now)
		if err != nil {
			return err
		}
		_, err = issue.KeySet(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("it is done, and a server will publish it; publishing it from here failed: %w", err)
	}
	fmt.Fprintln(out, "Published.")
	return nil
}

func withDatabase(ctx context.Context, cfg config.Config, custody *keys.Custody, work func(*store.DB) error) error {
	db, err := store.Open(ctx, store.Config{Postgres: cfg.Postgres, SQLite: cfg.Database(), Keys: custody})
	if err != nil {
		return err
	}
	if _, err = db.Migrate(ctx); err == nil {
		err = work(db)
	}
	return errors.Join(err, db.Close())
}

func listKeyEvents(ctx context.Context, c *cli.Command) error {
	cfg, custody, err := openCustody()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AT\tKEY\tUSAGE\tWHAT")
	err = withDatabase(ctx, cfg, custody, func(db *store.DB) error {
		return db.View(ctx, func(tx *store.Tx) error {
			return tx.KeyEvents(func(kid, usage, what string, at time.Time) {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", at.Format(time.RFC3339), kid, usage, what)
			})
		})
	})
	return errors.Join(err, table.Flush())
}
