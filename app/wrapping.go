package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
)

// wrappingCommands change the key that wraps the keys of the cards.
func wrappingCommands() []*cli.Command {
	return []*cli.Command{
		{
			Name: "wrap", Usage: "make a new key that is to wrap the keys of the cards",
			Description: `It is one more file in the key folder, and nothing uses it yet: copy it to your backup of the keys, and to the key folder of
every server that does not share this one. Then: medcard keys rewrap.`,
			Action: makeWrapping,
		},
		{
			Name: "rewrap", Usage: "let the newest such key wrap from now on, and wrap with it what older ones wrapped",
			Description: `Besides the keys of cards and documents it is phone numbers, e-mail addresses, the tokens of phones, authenticators'
secrets, the words of locks, policies and the proofs of signatures. Servers go on meanwhile. It may be interrupted, and goes on
where it was. At the end it says how much an older key still wraps.`,
			Action: rewrap,
		},
		{
			Name: "drop", Usage: "destroy an older such key that nothing needs any more", ArgsUsage: "NUMBER",
			Description: `No backup from before the last rewrap can be read with the key folder from then on: make a new one first. It is refused
while anything in the database is wrapped with the key. Destroy the copies of the key elsewhere yourself.`,
			Flags:  []cli.Flag{assumeYes()},
			Action: dropWrapping,
		},
	}
}

func assumeYes() cli.Flag {
	return &cli.BoolFlag{Name: "yes", Usage: "do not ask"}
}

// confirmed asks for a word to be typed before what cannot be undone.
func confirmed(c *cli.Command, what, word string) error {
	if c.Bool("yes") {
		return nil
	}
	fmt.Fprintf(c.Root().Writer, "%s\nType %s to go on: ", what, word)
	line, _ := bufio.NewReader(c.Root().Reader).ReadString('\n') // what was not typed does not confirm
	if strings.TrimSpace(line) != word {
		return errors.New("nothing was done: that was not typed (where nobody can type, --yes)")
	}
	return nil
}

func makeWrapping(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return errors.New("this takes no arguments; see --help")
	}
	return withKeys(ctx, func(cfg config.Config, custody *keys.Custody, _ *store.DB) error { // with the database: a folder that lacks keys must make none
		key, err := custody.MakeWrapping()
		if err == nil {
			fmt.Fprintf(c.Root().Writer, `Key %d is made: wrap-%[1]d.key in %s. Nothing uses it yet. Copy it to your backup of the keys, and to the servers that have
a key folder of their own; then: medcard keys rewrap.
`, key.Number, cfg.KeyFolder())
		}
		return err
	})
}

func rewrap(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return errors.New("this takes no arguments; see --help")
	}
	return withKeys(ctx, func(_ config.Config, custody *keys.Custody, db *store.DB) error {
		list, err := custody.Wrappings()
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errors.New("there is no key that wraps")
		}
		newest := list[len(list)-1]
		if newest.Number > 1 {
			turned, err := db.UseWrapping(ctx, newest, time.Now())
			if err != nil {
				return err
			}
			if turned {
				fmt.Fprintf(c.Root().Writer, "Key %d wraps from now on.\n", newest.Number)
			}
		}
		show, end := stepBar(os.Stderr)
		out, err := db.Rewrap(ctx, show)
		end()
		if err != nil {
			return fmt.Errorf("%d values are wrapped anew so far; the same command goes on: %w", out.Done, err)
		}
		if out.By == 1 {
			fmt.Fprintln(c.Root().Writer, "The first key wraps, and there is no newer one: medcard keys wrap makes one.")
			return nil
		}
		fmt.Fprintf(c.Root().Writer, "%d values are wrapped anew with key %d; %d remain with an older one.\n", out.Done, out.By, out.Remaining)
		if out.Damaged > 0 {
			return fmt.Errorf("%d values were left as they are: no key opens them, so they were damaged or moved", out.Damaged)
		}
		return nil
	})
}

func dropWrapping(ctx context.Context, c *cli.Command) error {
	number, err := strconv.Atoi(c.Args().First())
	if err != nil || c.Args().Len() != 1 {
		return errors.New("which key? `medcard keys list` shows their numbers")
	}
	return withKeys(ctx, func(_ config.Config, _ *keys.Custody, db *store.DB) error {
		if err := confirmed(c, fmt.Sprintf("Without key %d no backup from before the last rewrap can be read any more.", number), fmt.Sprintf("drop %d", number)); err != nil {
			return err
		}
		show, end := stepBar(os.Stderr)
		err := db.DropWrapping(ctx, number, time.Now(), show)
		end()
		if errors.Is(err, store.ErrStillNeeded) {
			return fmt.Errorf("%w; medcard keys rewrap wraps anew", err)
		}
		if err == nil {
			fmt.Fprintf(c.Root().Writer, "Key %d is destroyed in this folder. Destroy its copies elsewhere.\n", number)
		}
		return err
	})
}

// withKeys works with the keys of an installation that is there, and with its database.
func withKeys(ctx context.Context, work func(config.Config, *keys.Custody, *store.DB) error) error {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	if !keys.Present(cfg.KeyFolder()) {
		return fmt.Errorf("there are no keys in %s; is MEDCARD_KEYS right?", cfg.KeyFolder())
	}
	custody, err := keys.OpenFolder(cfg.KeyFolder(), time.Now)
	if err != nil {
		return err
	}
	return withDatabase(ctx, cfg, custody, func(db *store.DB) error { return work(cfg, custody, db) })
}
