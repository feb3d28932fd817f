// Command generate writes elements.txt, the table of every R4 resource and data type, from HL7's official definitions.
//
// It fetches one pinned npm package of HL7's, which holds the definitions and examples of R4 4.0.1, into a temporary folder,
// checks its hash, and never leaves it behind. The same package gives the same table to the byte, so CI runs it again and compares.
//
//	go generate ./app/fhir
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The source. Its hash is that of the registry's integrity field.
const (
	pinned    = "hl7.fhir.r4.examples@4.0.1"
	integrity = "DXBdIZOeQaSKIgCU7w6HOC7sw/6BzylmipLkBW4f//pT+Bc94x+8LImwTdvaNThPJoOzpBzvxAzNqjeu3X/zLw=="
	folder    = "package/"
)

func main() {
	out := flag.String("o", "elements.txt", "the file to write")
	from := flag.String("from", "", "a package that was fetched before, instead of the registry")
	flag.Parse()
	if err := run(*out, *from); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(out, from string) error {
	archive, err := fetch(from)
	if err != nil {
		return err
	}
	var definitions []definition
	v := values{sets: map[string]valueSet{}, systems: map[string]codeSystem{}}
	err = each(archive, func(name string, resource []byte) error {
		if strings.HasPrefix(name, "StructureDefinition-") {
			var d definition
			err := json.Unmarshal(resource, &d)
			definitions = append(definitions, d)
			return err
		}
		return v.add(name, resource)
	})
	if err != nil {
		return err
	}
	table, err := tabulate(definitions, v)
	if err != nil {
		return err
	}
	return os.WriteFile(out, table, 0o644) //nolint:gosec // a source file
}

// fetch gives the package's archive, from a file or from npm's registry, and refuses any other than the pinned one.
func fetch(from string) ([]byte, error) {
	if from == "" {
		dir, err := os.MkdirTemp("", "fhir-definitions-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		npm := exec.Command("npm", "pack", "--silent", pinned)
		npm.Dir, npm.Stderr = dir, os.Stderr
		name, err := npm.Output()
		if err != nil {
			return nil, fmt.Errorf("npm pack %s: %w", pinned, err)
		}
		from = filepath.Join(dir, filepath.Base(strings.TrimSpace(string(name))))
	}
	archive, err := os.ReadFile(from)
	if err != nil {
		return nil, err
	}
	if sum := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(sum[:]) != integrity {
		return nil, errors.New("the archive is not " + pinned + ": its hash differs")
	}
	return archive, nil
}

// each visits the files of the archive.
func each(archive []byte, visit func(name string, resource []byte) error) error {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, inside := strings.CutPrefix(header.Name, folder)
		if !inside || strings.Contains(name, "/") {
			continue
		}
		content, err := io.ReadAll(t)
		if err != nil {
			return err
		}
		if err := visit(name, content); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}
