package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/mobile-sdk/proof"
)

func auditExportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "take a period of the log away, as an auditor", ArgsUsage: "KEYFILE",
		Description: `It writes one entry a line (NDJSON), with what proves that none is missing or changed: see verify --file. A connection that
breaks is taken up where it broke, as is a file that is there from an earlier time. That the auditor took the period away is remembered
in the log.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "`ADDRESS` of the server", Required: true},
			&cli.StringFlag{Name: "file", Usage: "`FILE` to write, or to go on with", Required: true},
			&cli.StringFlag{Name: "person", Usage: "your own id: which person reads", Required: true},
			&cli.StringFlag{Name: "name", Usage: "that person's name"},
			&cli.StringFlag{Name: "role", Usage: "that person's position"},
			&cli.TimestampFlag{Name: "since", Usage: "`TIME` at which the period begins, e.g. 2026-11-01; empty = with the log", Config: exportTimes},
			&cli.TimestampFlag{Name: "until", Usage: "`TIME` at which it ends; empty = with the log", Config: exportTimes},
		},
		Action: exportAudit,
	}
}

var exportTimes = cli.TimestampConfig{Layouts: []string{time.RFC3339, time.DateOnly}}

func exportAudit(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return errors.New("which key? Name the file that `medcard clients add --kind auditor` wrote")
	}
	id, key, err := readClientKey(c.Args().First())
	if err != nil {
		return err
	}
	address := strings.TrimRight(c.String("url"), "/")
	source := credential.New(credential.Client{ID: string(id), Key: key, TokenURL: address + "/oauth/token", Scopes: []string{auditing.Right}})
	x := exporting{
		address: address + "/v1/audit/export", since: c.Timestamp("since"), until: c.Timestamp("until"), http: &http.Client{},
		token: source.As(credential.Actor{Subject: c.String("person"), Name: c.String("name"), Role: c.String("role")}),
	}
	path := filepath.Clean(c.String("file"))
	if x.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	x.bar = newCounting(os.Stderr)
	err = x.all(ctx)
	x.bar.clear()
	if err = errors.Join(err, x.file.Sync(), x.file.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Root().Writer, "The entries at the places %d to %d are in %s. Check them:  medcard audit verify --key KEY --file %[3]s\n", x.at.From, x.at.Next, path)
	return err
}

// exporting is an export on its way into a file.
type exporting struct {
	address      string
	since, until time.Time
	http         *http.Client
	token        func(context.Context) (string, error)
	file         *os.File
	at           proof.Progress
	bar          *counting
}

// tries are made without a new entry before it gives up.
const tries = 4

// all asks for the period, and for what is left of it, until all is there.
func (x *exporting) all(ctx context.Context) error {
	if err := x.resume(); err != nil {
		return err
	}
	for tried := 0; !x.at.Ended; {
		was := x.at.Next
		err := x.part(ctx)
		var refused *problem.Problem
		if errors.As(err, &refused) && refused.Status != http.StatusServiceUnavailable && refused.Status != http.StatusTooManyRequests || errors.Is(err, proof.ErrExport) {
			return err
		}
		if tried++; x.at.Next > was {
			tried = 1
		}
		if tried == tries {
			return fmt.Errorf("the export broke off; call this again later to go on with the file: %w", err)
		}
		if x.at.Ended {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(tried) * time.Second):
		}
	}
	return nil
}

// resume cuts half a line off the file, and finds out how far it is.
func (x *exporting) resume() error {
	whole, err := x.take(io.Discard, x.file)
	if errors.Is(err, proof.ErrExport) {
		return fmt.Errorf("the file is no export that could go on: %w", err)
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if err := x.file.Truncate(whole); err != nil {
		return err
	}
	_, err = x.file.Seek(whole, io.SeekStart)
	return err
}

// take writes lines, of which it counts the bytes. One that breaks off in its middle is not written.
func (x *exporting) take(to io.Writer, from io.Reader) (whole int64, err error) {
	lines := bufio.NewReaderSize(from, proof.LongestLine)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return whole, nil
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = x.at.Take(line[:len(line)-1])
		}
		if err == nil {
			_, err = to.Write(line)
		}
		if err != nil {
			return whole, err
		}
		whole += int64(len(line))
		x.bar.to(x.at.Next-x.at.From, x.at.To-x.at.From)
	}
}

// part writes what one request brings.
func (x *exporting) part(ctx context.Context) error {
	query := url.Values{}
	if x.at.Begun {
		query.Set("from", strconv.FormatInt(x.at.Next, 10))
	} else if !x.since.IsZero() {
		query.Set("since", x.since.UTC().Format(time.RFC3339))
	}
	if !x.until.IsZero() {
		query.Set("until", x.until.UTC().Format(time.RFC3339))
	}
	token, err := x.token(ctx)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, x.address+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Purpose-Of-Use", string(consent.Operations))
	response, err := x.http.Do(request) // which asks for gzip, and unpacks it
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return problem.From(response)
	}
	file := bufio.NewWriter(x.file)
	_, err = x.take(file, response.Body)
	return errors.Join(err, file.Flush())
}

// verifyExport verifies a file without the server.
func verifyExport(out io.Writer, path string, state proof.State) error {
	if state.Key == "" {
		return errors.New("say which key you believe, with --key or --state: one that came with the file proves nothing")
	}
	kept, err := state.Kept()
	if err != nil {
		return err
	}
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := unzipped(file)
	if err != nil {
		return err
	}
	x, err := proof.ReadExport(plain, state.Key, kept)
	for _, bad := range x.Bad {
		fmt.Fprintln(out, bad)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errTampered, err)
	}
	fmt.Fprintf(out, "OK: the %d entries at the places %d to %d stand in the log of %d entries that was signed, %x.\n", x.To-x.From, x.From, x.To, x.Checkpoint.Size, x.Checkpoint.Root)
	if !x.Since.IsZero() || !x.Until.IsZero() {
		fmt.Fprintf(out, "They are all of the period from %s to %s, and some from around it.\n", orEnd(x.Since, "the beginning"), orEnd(x.Until, "the end"))
	}
	if x.Shredded > 0 {
		fmt.Fprintf(out, "%d of them are of cards that were destroyed, and cannot be read any more.\n", x.Shredded)
	}
	switch {
	case x.Kept:
		fmt.Fprintln(out, "It is the log that was verified before.")
	case kept.Size > 0:
		fmt.Fprintln(out, "Whether it is the log that was verified before it does not show: its places are others.")
	}
	return nil
}

func orEnd(at time.Time, end string) string {
	if at.IsZero() {
		return end
	}
	return at.UTC().Format(time.RFC3339)
}

// unzipped reads a file that may be gzip, by what it begins with.
func unzipped(file io.ReadSeeker) (io.Reader, error) {
	head := make([]byte, 2)
	n, err := io.ReadFull(file, head)
	if err != nil && n == 0 && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil || !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return file, err
	}
	return gzip.NewReader(file)
}
