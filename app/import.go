package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/exchanging"
	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "take FHIR R4 transaction bundles into the store", ArgsUsage: "FILE...",
		Description: "Each FILE is a bundle about one patient, .json or .json.gz. A file is taken in wholly or not at all, and the same file\n" +
			"again changes nothing. Prints what became of each resource type, and the claim code of each card that nobody owns yet.\n" +
			"It works on the database directly: the server may run meanwhile.",
		Action: func(ctx context.Context, c *cli.Command) error {
			files := c.Args().Slice()
			if len(files) == 0 {
				return errors.New("name the bundles: medcard import FILE... (.json or .json.gz)")
			}
			db, err := openStore(ctx)
			if err != nil {
				return err
			}
			if _, err := db.Migrate(ctx); err != nil {
				return errors.Join(fmt.Errorf("prepare the database: %w", err), db.Close())
			}
			take := func(body []byte) (exchanging.Received, error) {
				return server.Exchange(db, time.Now).Receive(ctx, identity.Actor{Kind: identity.Operator}, body, "import")
			}
			return errors.Join(importFiles(ctx, files, take, c.Root().Writer, os.Stderr), db.Close())
		},
	}
}

// importFiles takes one file after another. A file that is refused stops nothing: it is named at the end, and the exit code tells.
func importFiles(ctx context.Context, files []string, take func([]byte) (exchanging.Received, error), out io.Writer, screen *os.File) error {
	bar := newProgress(screen, len(files))
	var total tally
	var refused []string
	var claims []string
	for _, file := range files {
		if ctx.Err() != nil {
			break
		}
		received, err := importFile(file, take)
		if err != nil {
			refused = append(refused, fmt.Sprintf("%s: %s", filepath.Base(file), reason(err)))
		} else {
			total.add(received)
			if received.Claim != "" {
				claims = append(claims, fmt.Sprintf("%s  card %s  %s", received.Claim.Printed(), received.Card, filepath.Base(file)))
			}
		}
		bar.step()
	}
	bar.clear()
	if err := total.print(out); err != nil {
		return err
	}
	if len(claims) > 0 {
		fmt.Fprintf(out, "\nClaim codes, each good once and for 14 days:\n  %s\n", strings.Join(claims, "\n  "))
	}
	if ctx.Err() != nil {
		return fmt.Errorf("stopped after %d of %d files; those are in", bar.done, len(files))
	}
	if len(refused) > 0 {
		return fmt.Errorf("%d of %d files were refused:\n  %s", len(refused), len(files), strings.Join(refused, "\n  "))
	}
	return nil
}

func importFile(path string, take func([]byte) (exchanging.Received, error)) (exchanging.Received, error) {
	body, err := readBundle(path)
	if err != nil {
		return exchanging.Received{}, err
	}
	return take(body)
}

// readBundle reads a file and unpacks gzip, by what it begins with and not by its name. It never holds more than a bundle may have.
func readBundle(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	packed, err := io.ReadAll(io.LimitReader(f, fhir.MaxSize+1))
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(packed, []byte{0x1f, 0x8b}) {
		return packed, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errors.New("begins like gzip, but does not unpack")
	}
	plain, err := io.ReadAll(io.LimitReader(z, fhir.MaxSize+1))
	if err != nil {
		return nil, errors.New("begins like gzip, but does not unpack to its end")
	}
	return plain, nil
}

// reason is a fault in one line: what is wrong, and where.
func reason(err error) string {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return err.Error()
	}
	text := f.Text
	for i, field := range f.Fields {
		if i == 3 {
			text += fmt.Sprintf(" (and %d places more)", len(f.Fields)-i)
			break
		}
		text += " " + strings.TrimSpace(field.Where+": "+field.Why) + "."
	}
	return text
}

// tally sums up resource types over all files.
type tally struct {
	files  int
	opened int
	types  []exchanging.Count
}

func (t *tally) add(r exchanging.Received) {
	t.files++
	if r.Opened {
		t.opened++
	}
	for _, c := range r.Counts() {
		i, found := slices.BinarySearchFunc(t.types, c.Type, func(have exchanging.Count, name string) int { return strings.Compare(have.Type, name) })
		if !found {
			t.types = slices.Insert(t.types, i, exchanging.Count{Type: c.Type})
		}
		t.types[i].Created += c.Created
		t.types[i].Updated += c.Updated
		t.types[i].Unchanged += c.Unchanged
		t.types[i].Kept += c.Kept
	}
}

func (t *tally) print(out io.Writer) error {
	if t.files == 0 {
		return nil
	}
	width := len("resource type")
	var sum exchanging.Count
	for _, c := range t.types {
		width = max(width, len(c.Type))
		sum.Created, sum.Updated, sum.Unchanged, sum.Kept = sum.Created+c.Created, sum.Updated+c.Updated, sum.Unchanged+c.Unchanged, sum.Kept+c.Kept
	}
	sum.Type = "all"
	fmt.Fprintf(out, "%-*s %9s %9s %9s %9s\n", width, "resource type", "created", "updated", "unchanged", "kept")
	for _, c := range append(t.types, sum) {
		fmt.Fprintf(out, "%-*s %9d %9d %9d %9d\n", width, c.Type, c.Created, c.Updated, c.Unchanged, c.Kept)
	}
	if sum.Kept > 0 {
		fmt.Fprintln(out, "kept: stored as posted, sealed; the card has no place of its own for the type.")
	}
	_, err := fmt.Fprintf(out, "%d files, %d cards opened.\n", t.files, t.opened)
	return err
}
