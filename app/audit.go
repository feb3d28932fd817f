package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/mobile-sdk/proof"
)

// auditCommand is for whoever wants to know that nobody changed what was remembered.
func auditCommand() *cli.Command {
	return &cli.Command{
		Name: "audit", Usage: "prove that the audit log is whole, and take it away",
		Commands: []*cli.Command{
			{
				Name: "verify", Usage: "recompute the audit log and hold it against its signed checkpoint",
				Description: `With --url it asks a server, from outside, by its open routes: the hashes of all entries must make the tree that the server
signed. Without it, it reads the database of the configuration as well: each entry is hashed again, and each card's numbers are looked
through for gaps. The server may run meanwhile.

--state names a file that remembers what was verified. The next time must be a continuation of that: so a database that was rolled
back, or signed anew by somebody with the server's key, is found. Keep it where the server's operators cannot write. With
--url only what came since is read then.

With --file it verifies what ` + "`medcard audit export`" + ` wrote, without a network: that each line is as it was hashed, that none is missing,
and that they stand in the log that was signed with the key of --key or --state.
A log whose key handed over to another (medcard audit handover) is followed, with --key and a state alike.

The exit code is 0 only if all is well.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "url", Usage: "`ADDRESS` of a server; empty = the database of the configuration"},
					&cli.StringFlag{Name: "file", Usage: "`FILE` of an export, plain or gzip; it may be several one behind the other"},
					&cli.StringFlag{Name: "key", Usage: "the log's `KEY`, as `medcard audit key` prints it; without it the first one that is seen is believed"},
					&cli.StringFlag{Name: "state", Usage: "`FILE` that remembers what was verified; it is made at the first time"},
				},
				Action: verifyAudit,
			},
			auditExportCommand(),
			{Name: "key", Usage: "print the key that verifies the log's checkpoints", Action: func(ctx context.Context, c *cli.Command) error {
				return withAudit(ctx, func(log *auditing.Service) error {
					keys, err := log.Keys()
					if err == nil {
						_, err = fmt.Fprintln(c.Root().Writer, keys.Key)
					}
					return err
				})
			}},
			auditHandoverCommand(),
		},
	}
}

var errTampered = errors.New("the audit log is NOT whole")

func verifyAudit(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return errors.New("this takes no arguments; see --help")
	}
	state, err := readAuditState(c.String("state"), c.String("key"))
	if err != nil {
		return err
	}
	if path := c.String("file"); path != "" {
		return verifyExport(c.Root().Writer, path, state)
	}
	if address := c.String("url"); address != "" {
		state, err = verifyRemote(ctx, c.Root().Writer, strings.TrimRight(address, "/"), state)
	} else {
		err = withAudit(ctx, func(log *auditing.Service) (err error) {
			state, err = verifyDatabase(ctx, c.Root().Writer, log, state)
			return err
		})
	}
	if err != nil || c.String("state") == "" {
		return err
	}
	return writeAuditState(c.String("state"), state)
}

// verifyRemote verifies from outside.
func verifyRemote(ctx context.Context, out io.Writer, address string, state proof.State) (proof.State, error) {
	remote := proof.Remote{URL: address, HTTP: &http.Client{Timeout: time.Minute}}
	if state.Key == "" {
		key, err := remote.Key(ctx)
		if err != nil {
			return state, err
		}
		fmt.Fprintf(out, "The log's key, as the server names it: %s\n", key)
		state.Key = key
	}
	bar := newCounting(os.Stderr)
	now, next, err := remote.Verify(ctx, state, bar.to)
	bar.clear()
	switch {
	case err == nil:
		fmt.Fprintf(out, "OK: %d entries make the signed tree %x", now.Size, now.Root)
		if state.Size > 0 {
			fmt.Fprintf(out, "; it continues the %d that were verified before", state.Size)
		}
		fmt.Fprintln(out, ".")
		return next, nil
	case errors.Is(err, proof.ErrServer), errors.Is(err, proof.ErrState), errors.Is(err, proof.ErrKey), ctx.Err() != nil:
		return state, err // nothing is known of the log
	}
	return state, fmt.Errorf("%w: %w", errTampered, err)
}

// verifyDatabase verifies with the entries at hand.
func verifyDatabase(ctx context.Context, out io.Writer, log *auditing.Service, state proof.State) (proof.State, error) {
	keys, err := log.Keys()
	if err != nil {
		return state, err
	}
	kept, err := state.Kept()
	if err != nil {
		return state, err
	}
	if state.Key == "" {
		state.Key = keys.Key
	}
	if chain := proof.Chain(state.Key, keys.Handovers); chain[len(chain)-1] != keys.Key {
		return state, fmt.Errorf("%w: the key folder holds another key than the one that is expected, and none to which that handed over", errTampered)
	}
	bar, tree := newCounting(os.Stderr), new(proof.Tree)
	report, err := log.Verify(ctx, kept, func(leaf audit.Hash, total int64) {
		tree.Add(leaf)
		bar.to(tree.Size(), total)
	})
	bar.clear()
	if err != nil {
		return state, err
	}
	for _, f := range report.Findings {
		fmt.Fprintln(out, f)
	}
	if report.More > 0 {
		fmt.Fprintf(out, "and %d more\n", report.More)
	}
	fmt.Fprintf(out, "%d entries in the log, %d waiting for it, %d from before it; %d cards\n", report.Entries, report.Waiting, report.Older, report.Cards)
	if report.Shredded > 0 {
		fmt.Fprintf(out, "%d of them are of cards that were destroyed, and cannot be read any more; medcard keys shredded lists those\n", report.Shredded)
	}
	if len(report.Findings) > 0 {
		return state, errTampered
	}
	fmt.Fprintf(out, "OK: the signed tree is %x.\n", report.Checkpoint.Root)
	return state.Next(keys.Key, report.Signed, tree), nil
}

// readAuditState reads what was kept; a file that is not there yet is the first time.
func readAuditState(path, key string) (state proof.State, err error) {
	state.Key = key
	if path == "" {
		return state, nil
	}
	text, err := os.ReadFile(filepath.Clean(path))
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	if json.Unmarshal(text, &state) != nil || state.Key == "" {
		return state, fmt.Errorf("%s: %w", path, proof.ErrState)
	}
	if key != "" && state.Key != key && state.First != key {
		return state, fmt.Errorf("%s is of another key than --key", path)
	}
	return state, nil
}

// writeAuditState replaces the file whole: half of one would be a log that cannot be verified any more.
func writeAuditState(path string, state proof.State) error {
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".audit-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(append(text, '\n'))
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), path)
}

// counting is a progress of a number that is known only later, redrawn for every percent.
type counting struct {
	out  *os.File
	bar  *progress
	last int64
}

func newCounting(out *os.File) *counting { return &counting{out: out} }

func (c *counting) to(done, total int64) {
	if c.bar == nil {
		c.bar = newProgress(c.out, int(total))
	}
	if done-c.last < max(total/100, 1) && done < total {
		return
	}
	c.bar.done, c.last = int(done), done
	c.bar.draw()
}

func (c *counting) clear() {
	if c.bar != nil {
		c.bar.clear()
	}
}

// withAudit opens the log of the configuration. Its keys must be there already: OpenFolder would make others.
func withAudit(ctx context.Context, work func(*auditing.Service) error) error {
	return withAuditParts(ctx, func(_ config.Config, _ *keys.Custody, _ *store.DB, log *auditing.Service) error { return work(log) })
}

// withAuditParts opens it with what it is made of.
func withAuditParts(ctx context.Context, work func(config.Config, *keys.Custody, *store.DB, *auditing.Service) error) error {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	if !keys.Present(cfg.KeyFolder()) {
		return fmt.Errorf("there are no keys in %s; set MEDCARD_DATA or MEDCARD_KEYS to those of the server", cfg.KeyFolder())
	}
	custody, err := server.Custody(cfg, time.Now)
	if err != nil {
		return err
	}
	return withDatabase(ctx, cfg, custody, func(db *store.DB) error {
		log, err := server.Audit(db, custody, cfg.Issuer, time.Now)
		if err != nil {
			return err
		}
		return work(cfg, custody, db, log)
	})
}
