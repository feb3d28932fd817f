package foreign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/qr/foreign"
)

// official finds the EU's own test certificates beside the repository, which are not ours to copy.
func official(t testing.TB) (files []string) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		root := filepath.Join(dir, "shared", "data", "qr", "dcc")
		if _, err := os.Stat(root); err == nil {
			err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
				if filepath.Ext(path) == ".json" {
					files = append(files, path)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return files
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no shared/data/qr/dcc beside the repository: the official certificates are not at hand")
		}
		dir = filepath.Dir(dir)
	}
}

// vector is one of the official test files.
type vector struct {
	Text    string `json:"PREFIX"`
	Context struct {
		Certificate string    `json:"CERTIFICATE"`
		Clock       time.Time `json:"VALIDATIONCLOCK"`
		Description string    `json:"DESCRIPTION"`
	} `json:"TESTCTX"`
	Expected map[string]bool `json:"EXPECTEDRESULTS"`
}

func readVector(t testing.TB, file string) (v vector) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &v)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

// failing are the expectations that stand for a certificate that is not good, and what is said of it then.
var failing = map[string][]foreign.Reason{
	"EXPECTEDB45DECODE":        {foreign.BadFormat},
	"EXPECTEDCOMPRESSION":      {foreign.BadFormat},
	"EXPECTEDDECODE":           {foreign.BadFormat},
	"EXPECTEDVERIFY":           {foreign.BadSignature, foreign.UnknownKey, foreign.BadFormat},
	"EXPECTEDSCHEMAVALIDATION": {foreign.BadContent},
	"EXPECTEDKEYUSAGE":         {foreign.WrongUsage},
	"EXPECTEDEXPIRATIONCHECK":  {foreign.NotYet, foreign.HasExpired},
}

func TestOfficialCertificates(t *testing.T) {
	seen := 0
	for _, file := range official(t) {
		v := readVector(t, file)
		name := filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(file)))) + "/" + filepath.Base(file)
		var keys foreign.Keys
		if der, err := base64.StdEncoding.DecodeString(v.Context.Certificate); err == nil && len(der) > 0 {
			key, err := foreign.FromCertificate(der)
			if err != nil {
				t.Errorf("%s: the issuer's certificate: %v", name, err)
				continue
			}
			keys = append(keys, key)
		}
		got, ok := foreign.Read(v.Text, keys, v.Context.Clock)
		if unprefix, said := v.Expected["EXPECTEDUNPREFIX"]; said && !unprefix {
			if ok {
				t.Errorf("%s: taken for a certificate", name)
			}
			seen++
			continue
		}
		if !ok || got.Kind != foreign.EUDCC {
			t.Errorf("%s: not recognised", name)
			continue
		}
		bad := false
		for what, good := range v.Expected {
			reasons := failing[what]
			switch some := slices.ContainsFunc(reasons, func(r foreign.Reason) bool { return slices.Contains(got.Reasons, r) }); {
			case reasons == nil:
			case good && some:
				t.Errorf("%s: %s should hold: %v (%s)", name, what, got.Reasons, v.Context.Description)
			case !good:
				bad = true
				if !some {
					t.Errorf("%s: %s should not hold: %s %v (%s)", name, what, got.Answer, got.Reasons, v.Context.Description)
				}
			}
		}
		if bad == (got.Answer == foreign.Genuine) && v.Expected["EXPECTEDVERIFY"] {
			t.Errorf("%s: %s %v (%s)", name, got.Answer, got.Reasons, v.Context.Description)
		}
		if got.Answer == foreign.Genuine && (got.Holder == "" || len(got.Statements) != 1 || got.Issuer == "" || got.Expires == nil) {
			t.Errorf("%s: it says too little: %+v", name, got)
		}
		// Without the issuer's key it is shown, and nobody vouches for it.
		if blind, _ := foreign.Read(v.Text, nil, v.Context.Clock); got.Answer == foreign.Genuine &&
			(blind.Answer != foreign.NotChecked || blind.Holder != got.Holder || !slices.Contains(blind.Reasons, foreign.UnknownKey)) {
			t.Errorf("%s: without a key: %+v", name, blind)
		}
		seen++
	}
	t.Logf("%d official files", seen)
}
