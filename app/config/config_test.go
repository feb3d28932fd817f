package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "medcard.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNothingSetServesOnLoopbackWithSQLite(t *testing.T) {
	c, err := Load([]string{"HOME=/root", "PATH=/bin"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.Postgres != "" || c.URL() != "http://127.0.0.1:8080" || c.Database() != filepath.Join("medcard-data", "medcard.db") {
		t.Errorf("%+v", c)
	}
}

func TestTheEnvironmentOutweighsTheFile(t *testing.T) {
	path := file(t, "# where\n\nMEDCARD_DATA=/srv/one\nMEDCARD_LISTEN=127.0.0.1:1\r\n")
	c, err := Load([]string{"MEDCARD_CONFIG=" + path, "MEDCARD_DATA=/srv/two"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != "/srv/two" || c.Listen != "127.0.0.1:1" {
		t.Errorf("%+v", c)
	}
}

func TestASecretComesFromAFile(t *testing.T) {
	c, err := Load([]string{"MEDCARD_POSTGRES_FILE=" + file(t, "postgres://app:secret@db/medcard\n")})
	if err != nil || c.Postgres != "postgres://app:secret@db/medcard" {
		t.Errorf("%q, %v", c.Postgres, err)
	}
}

func TestWhatWouldBeUnsafeIsRefused(t *testing.T) {
	const secret = "hunter2"
	for name, environ := range map[string][]string{
		"a misspelt name":            {"MEDCARD_LISTNE=127.0.0.1:1"},
		"a misspelt name in file":    {"MEDCARD_CONFIG=" + file(t, "MEDCARD_LISTNE=127.0.0.1:1\n")},
		"a line that sets nothing":   {"MEDCARD_CONFIG=" + file(t, "MEDCARD_DATA=/srv\nPOSTGRES="+secret+"\n")},
		"a file that is not there":   {"MEDCARD_CONFIG=/nowhere/medcard.conf"},
		"a sequencer of no database": {"MEDCARD_POSTGRES_SEQUENCER=" + secret},
		"a secret that is not there": {"MEDCARD_POSTGRES_FILE=/nowhere/dsn"},
		"a secret given twice":       {"MEDCARD_POSTGRES=" + secret, "MEDCARD_POSTGRES_FILE=" + file(t, secret)},
		"plain HTTP for all":         {"MEDCARD_LISTEN=0.0.0.0:80"},
		"plain HTTP for all, too":    {"MEDCARD_LISTEN=:80"},
		"a certificate without key":  {"MEDCARD_TLS_CERTIFICATE=/etc/cert.pem"},
		"a key without certificate":  {"MEDCARD_TLS_KEY=/etc/key.pem"},
		"TLS here, plain outside":    {"MEDCARD_TLS_CERTIFICATE=/c", "MEDCARD_TLS_KEY=/k", "MEDCARD_PUBLIC_URL=http://card.example.org"},
		"a proxy that is none":       {"MEDCARD_LISTEN=0.0.0.0:80", "MEDCARD_TRUSTED_PROXIES=yes"},
		"no port":                    {"MEDCARD_LISTEN=127.0.0.1"},
		"an address that is none":    {"MEDCARD_PUBLIC_URL=card.example.org"},
		"a level that is none":       {"MEDCARD_LOG_LEVEL=loud"},
		"a host with a path":         {"MEDCARD_SIGN_ROOTS=/roots", "MEDCARD_SIGN_HOSTS=cdp.example.org/list"},
		"a host with a scheme":       {"MEDCARD_SIGN_ROOTS=/roots", "MEDCARD_SIGN_HOSTS=http://cdp.example.org"},
		"a list that is no address":  {"MEDCARD_SIGN_ROOTS=/roots", "MEDCARD_SIGN_LISTS=/etc/list.crl"},
		"lists for no authority":     {"MEDCARD_SIGN_LISTS=http://cdp.example.org/list.crl"},
		"authorities without lists":  {"MEDCARD_SIGN_ROOTS=/roots"},
		"proxies everywhere":         {"MEDCARD_LISTEN=0.0.0.0:80", "MEDCARD_TRUSTED_PROXIES=0.0.0.0/0"},
		"proxies everywhere, too":    {"MEDCARD_LISTEN=[::]:80", "MEDCARD_TRUSTED_PROXIES=::/0"},
		"metrics nowhere":            {"MEDCARD_METRICS=9464"},
		"neither yes nor no":         {"MEDCARD_BOUND=" + secret},
		"a region that is none":      {"MEDCARD_REGION=" + secret},
		"a term that is none":        {"MEDCARD_SHUTDOWN_GRACE=" + secret},
		"codes on a screen":          {"MEDCARD_CODES=screen"},
		"less than no time":          {"MEDCARD_SHUTDOWN_GRACE=-1s"},
	} {
		if _, err := Load(environ); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load([]string{"MEDCARD_LISTEN=0.0.0.0:80", "MEDCARD_TRUSTED_PROXIES=10.0.0.0/8,::1"}); err != nil {
		t.Errorf("behind proxies: %v", err)
	}
	if c, err := Load([]string{"MEDCARD_LISTEN=0.0.0.0:443", "MEDCARD_TLS_CERTIFICATE=/c", "MEDCARD_TLS_KEY=/k"}); err != nil || c.URL() != "https://0.0.0.0:443" {
		t.Errorf("with TLS: %v %v", c.URL(), err)
	}
}

// TestWhatOthersReach: on this machine alone everything goes, for others it does not.
func TestWhatOthersReach(t *testing.T) {
	sends := []string{"MEDCARD_SMS=smpps://u:p@sms.example.org:2775?from=Medcard", "MEDCARD_SMTP=smtp://u:p@mail.example.org:25"}
	proxy, tls := []string{"MEDCARD_LISTEN=0.0.0.0:80", "MEDCARD_TRUSTED_PROXIES=10.0.0.5"}, []string{"MEDCARD_LISTEN=0.0.0.0:443", "MEDCARD_TLS_CERTIFICATE=/c", "MEDCARD_TLS_KEY=/k"}
	for name, c := range map[string]struct {
		environ       [][]string
		local, serves bool
	}{
		"nothing set":                     {nil, true, true},
		"a proxy on this machine":         {[][]string{{"MEDCARD_TRUSTED_PROXIES=127.0.0.1"}, sends}, false, true},
		"its public address":              {[][]string{{"MEDCARD_PUBLIC_URL=https://card.example.org"}, sends}, false, true},
		"a public address without codes":  {[][]string{{"MEDCARD_PUBLIC_URL=https://card.example.org"}}, false, false},
		"behind a proxy, codes on stdout": {[][]string{proxy}, false, false},
		"half of them":                    {[][]string{proxy, sends[:1]}, false, false},
		"knowingly":                       {[][]string{proxy, {"MEDCARD_CODES=console"}}, false, true},
		"by TLS, codes on stdout":         {[][]string{tls}, false, false},
		"by TLS":                          {[][]string{tls, sends}, false, true},
		"plain outside":                   {[][]string{proxy, sends, {"MEDCARD_PUBLIC_URL=http://card.example.org"}}, false, false},
		"https outside":                   {[][]string{proxy, sends, {"MEDCARD_PUBLIC_URL=https://card.example.org"}}, false, true},
	} {
		cfg, err := Load(slices.Concat(c.environ...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := cfg.Serves(); cfg.Local() != c.local || (err == nil) != c.serves {
			t.Errorf("%s: local %t, %v", name, cfg.Local(), err)
		}
	}
}
