package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/qr/foreign"
	"github.com/medcard/medcard/qr/scan"
	"github.com/medcard/medcard/qr/trust"
)

func scanCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.DurationFlag{Name: "time", Usage: "at most this long a picture", Value: 2 * time.Second},
	}
	return &cli.Command{
		Name:      "scan",
		Usage:     "read the codes in photos, one JSON line a picture",
		ArgsUsage: "FILE|FOLDER|- ...",
		Description: `Each line says: file, codes (text, kind, verdict, reasons, corners in pixels), ms, step (what read the first
code) and, when the file could not be read as a picture, error. A verdict is one of

   ok, no, cant_tell   of our own codes, judged offline by --keys, --root and --status
   unverified          of our own codes without --keys
   foreign             of everybody else's; of a COVID certificate of the EU or a SMART Health Card "certificate" tells what it
                       says and whether a key of --foreign signed it: genuine, not_genuine or not_checked

Of a folder all JPEG, PNG and WebP files are read, also in folders below; "-" is one picture from standard input.
Nothing is sent anywhere. The exit code is 0 when every picture gave a code.`,
		Flags: append(flags, offlineFlags()...),
		Action: func(ctx context.Context, c *cli.Command) error {
			judge, err := offlineJudge(c)
			if err != nil {
				return err
			}
			others, err := foreignKeys(c)
			if err != nil {
				return err
			}
			files, err := pictureFiles(c.Args().Slice())
			if err != nil {
				return err
			}
			s := scanRun{
				reader: scan.NewReader(scan.Options{Time: c.Duration("time")}),
				judge:  judge, others: others, out: json.NewEncoder(c.Root().Writer), bar: newProgress(os.Stderr, len(files)),
			}
			s.out.SetEscapeHTML(false)
			return s.run(ctx, files)
		},
	}
}

// scanned is one line of output.
type scanned struct {
	File  string        `json:"file"`
	Codes []scannedCode `json:"codes"`
	MS    float64       `json:"ms"`
	Step  string        `json:"step"`
	Error string        `json:"error,omitempty"`
}

type scannedCode struct {
	Text    string         `json:"text,omitempty"`
	Kind    scan.Kind      `json:"kind"`
	Verdict string         `json:"verdict"`
	Reasons []trust.Reason `json:"reasons,omitempty"`
	Corners [4][2]float64  `json:"corners"`

	Certificate *foreign.Certificate `json:"certificate,omitempty"`
}

type scanRun struct {
	reader *scan.Reader
	judge  func(string) trust.Verdict // nil: nothing is known of keys
	others foreign.Keys
	out    *json.Encoder
	bar    *progress
}

// run reads as many pictures at once as the reader has workers, and prints them in the order in which they were named.
func (s scanRun) run(ctx context.Context, files []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan chan scanned, s.reader.Limits().Workers-1) // with the one being printed: as many as workers
	go func() {
		defer close(lines)
		for _, file := range files {
			line := make(chan scanned, 1)
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
			go func() { line <- s.one(ctx, file) }()
		}
	}()
	unread := 0
	for line := range lines {
		l := <-line
		if ctx.Err() != nil {
			break
		}
		if len(l.Codes) == 0 {
			unread++
		}
		s.bar.clear()
		if err := s.out.Encode(l); err != nil {
			return err
		}
		s.bar.step()
	}
	s.bar.clear()
	if err := ctx.Err(); err != nil {
		return err
	}
	if unread > 0 {
		return fmt.Errorf("no code could be read in %d of %d pictures", unread, len(files))
	}
	return nil
}

func (s scanRun) one(ctx context.Context, file string) scanned {
	line := scanned{File: file, Codes: []scannedCode{}}
	picture, err := readUpTo(file, s.reader.Limits().MaxBytes)
	if err != nil {
		line.Error = reasonOf(err)
		return line
	}
	result, err := s.reader.Read(ctx, picture)
	if err != nil {
		line.Error = reasonOf(err)
		return line
	}
	line.Step, line.MS = result.Step, math.Round(float64(result.Elapsed.Microseconds())/100)/10
	for _, code := range result.Codes {
		line.Codes = append(line.Codes, s.judged(code))
	}
	return line
}

func (s scanRun) judged(code scan.Code) scannedCode {
	out := scannedCode{Text: code.Text, Kind: code.Kind, Verdict: "foreign"}
	for i, p := range code.Corners {
		out.Corners[i] = [2]float64{math.Round(p.X*10) / 10, math.Round(p.Y*10) / 10}
	}
	if !ours(code.Kind) {
		if other, known := foreign.Read(code.Text, s.others, time.Now()); known {
			out.Certificate = &other
		}
		return out
	}
	out.Verdict = "unverified"
	if s.judge != nil {
		verdict := s.judge(code.Text)
		out.Verdict, out.Reasons = verdictWord(verdict.Answer), verdict.Reasons
	}
	return out
}

// reasonOf leaves the file's name out, which stands beside it in the line.
func reasonOf(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), "scan: ")
}

// pictureFiles unfolds folders. A file that is named is taken whatever it is called: its first bytes decide.
func pictureFiles(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, errors.New("name a picture, a folder of pictures, or - for standard input")
	}
	var files []string
	for _, name := range names {
		if info, err := os.Stat(name); name == "-" || err != nil || !info.IsDir() {
			files = append(files, name) // one that is not there becomes a line that says so
			continue
		}
		err := filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && slices.Contains(pictureEndings, strings.ToLower(filepath.Ext(path))) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, errors.New("there is no JPEG, PNG or WebP file in " + strings.Join(names, ", "))
	}
	return files, nil
}

var pictureEndings = []string{".jpg", ".jpeg", ".png", ".webp"}
