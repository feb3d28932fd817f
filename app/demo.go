package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/story"
)

func demoCommand() *cli.Command {
	return &cli.Command{
		Name: "demo", Usage: "tell the story of one patient against a real server and real clients, in a world of its own",
		Description: "Uses SQLite in a temporary folder; with MEDCARD_POSTGRES set, a schema of its own in that database, dropped at the end.",
		Action: func(ctx context.Context, c *cli.Command) error {
			cfg, err := config.Load(os.Environ())
			if err != nil {
				return err
			}
			return demo(ctx, cfg.Postgres, c.Root().Writer)
		},
	}
}

func demo(ctx context.Context, postgres string, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "medcard-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	place := "SQLite"
	if postgres != "" {
		place = "PostgreSQL"
		schema, drop, err := store.NewSchema(ctx, postgres)
		if err != nil {
			return err
		}
		postgres = schema
		defer func() { err = errors.Join(err, drop()) }()
	}
	began := time.Now()
	w, err := story.Start(ctx, story.Options{Dir: dir, Postgres: postgres})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "A Medcard on %s at %s, with a clinic, two pharmacies, a patient with two phones, and a push carrier.\n", place, w.URL)
	told, stop := 0, ""
	err = story.Tell(ctx, w, func(s story.Step, detail string, took time.Duration) {
		if s.Stop != stop {
			stop = s.Stop
			fmt.Fprintf(out, "\n%s\n", stop)
		}
		told++
		fmt.Fprintf(out, "  ✓ %s (%d ms)\n", s.Text, took.Milliseconds())
		if detail != "" {
			fmt.Fprintf(out, "      %s\n", detail)
		}
	})
	err = errors.Join(err, w.Close())
	if err != nil {
		for _, line := range w.Log.All() {
			if !strings.Contains(line, `"level":"INFO"`) {
				fmt.Fprintln(out, line)
			}
		}
		return fmt.Errorf("the story broke off after %d of %d steps: %w", told, len(story.Steps()), err)
	}
	fmt.Fprintf(out, "\nAll %d steps held, in %.1f s.\n", told, time.Since(began).Seconds())
	return nil
}
