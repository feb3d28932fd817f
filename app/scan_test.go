package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/picture"
	"github.com/medcard/medcard/qr/trust"
)

// codeDesk is a folder with a photo of a signed code, and with the key set and the root that vouch for it.
type codeDesk struct {
	folder, text, root string
}

func newCodeDesk(t *testing.T) codeDesk {
	t.Helper()
	folder, now := t.TempDir(), time.Now()
	signer := func(issuer string, usage qr.Usage, seed byte) qr.SigningKey {
		key, err := qr.NewSigningKey(issuer, usage, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)))
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	root, doctor, clerk := signer("root", qr.KeySet, 1), signer("clinic-1", qr.Referral, 2), signer("clinic-1", qr.StatusList, 3)
	set, err := trust.SealKeySet(trust.KeySet{
		Sequence: 1, IssuedAt: now.Add(-time.Hour), Expires: now.Add(trust.KeySetTerm),
		Keys:  []trust.Key{inForce(doctor, now), inForce(clerk, now)},
		Lists: []uint32{0},
	}, root)
	if err != nil {
		t.Fatal(err)
	}
	list := trust.NewStatusList(0, now)
	if err := list.Set(0, trust.Valid); err != nil {
		t.Fatal(err)
	}
	status, err := trust.SealStatus(list, clerk)
	if err != nil {
		t.Fatal(err)
	}
	text, err := document.SealReferral(referral.Referral{
		Token: referral.Token{7}, IssuedAt: now.Add(-time.Minute), ValidUntil: now.Add(30 * 24 * time.Hour),
		Sheet: referral.Sheet{
			Kind: referral.Consultation, Care: referral.Planned, Bearer: identity.Bearer{Initials: "ИПС", BirthYear: 1961},
			Clinic: "1027700132195", Purpose: "кардиолог", Referrer: "Иванова А. А.", Days: 30,
		},
	}, qr.StatusRef{}, doctor)
	if err != nil {
		t.Fatal(err)
	}
	desk := codeDesk{folder: folder, text: text, root: "root=" + hex.EncodeToString(root.Public)}
	desk.write(t, "keys", set)
	desk.write(t, "status", status)
	desk.write(t, "code.png", desk.photo(t, text))
	return desk
}

func inForce(key qr.SigningKey, now time.Time) trust.Key {
	return trust.Key{
		Key: key.Key, NotBefore: now.Add(-2 * time.Hour), LastIssue: now.Add(time.Hour), LastVerify: now.Add(time.Hour), Standing: trust.Active,
	}
}

func (d codeDesk) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(d.path(name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d codeDesk) path(name string) string { return filepath.Join(d.folder, name) }

func (d codeDesk) photo(t *testing.T, text string) []byte {
	t.Helper()
	code, err := picture.Draw(text)
	if err != nil {
		t.Fatal(err)
	}
	var data bytes.Buffer
	if err := code.PNG(&data, 4); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// run runs a command as the shell would.
func run(t *testing.T, command *cli.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command.Writer, command.ErrWriter = &out, &out
	command.ExitErrHandler = func(context.Context, *cli.Command, error) {}
	err := command.Run(context.Background(), append([]string{command.Name}, args...))
	return out.String(), err
}

// covid is a COVID certificate of the EU's form, made up and signed by nobody who is known.
const covid = "HC1:6BF%RN%TSMAHN-H UOMB4JNMT-M-2E3+OLV4RIAMTR1C3 YKTQGIG6PF6R:5SVBWVBDKBYLDZ4D74D$ZJ*DJWP42W5X2S%IU.ZJT*QI%K/YNCBP*%N3-SY$N*YE27A2.3UBRM.SY$NGP2 :77CPP$I/XK$M8-L96YB8L44N4:%OD3P5B9-NT0 2$$0X4PCY0+-CS-O:S9395*CBVZ01/GLX4Z 20OPKD9G94ZJJY 84IJZJJ1W4*$I*NVPC1LJL4A7%83*LP1W0QC8$.AIGCY0K5$0I.AT94./GVYCDEBD0HX2JN*4CY035TPHN6D7LLK*2HG%89UV-0LZ 2MKN4NN3F85QNCY0O%0VZ001H9B9LGF3XHP/H172E+4AMAWBN.WC+2ABAE0BMG%KPR5T714SDX06 0M8S6+%KLI1 FTG2II$QOYAX:A-LF.YOY3H3.5LZHV$5Q-8Z4OI3ENT5AL3EWUZEF000U50HDWZYUG3"

func TestSomebodyElsesCertificateByCommand(t *testing.T) {
	desk := newCodeDesk(t)
	desk.write(t, "traveller.png", desk.photo(t, covid))
	out, err := run(t, scanCommand(), "--time", "1m", desk.path("traveller.png"))
	for _, want := range []string{`"verdict":"foreign"`, `"kind":"eu_dcc"`, `"answer":"not_checked"`, `"reasons":["unknown_key"]`, `"holder":"Anna Müller"`, `"what":"vaccination"`} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("no %s in %s %v", want, out, err)
		}
	}
	out, err = run(t, verifyCommand(), covid)
	if err == nil || !strings.Contains(out, "NOT_OURS hc1\n  eu_dcc of AT: not_checked") || strings.Contains(out, "Müller") {
		t.Errorf("%s %v", out, err)
	}
	if out, _ = run(t, verifyCommand(), "--content", covid); !strings.Contains(out, "for Anna Müller, born 1998-02-26") {
		t.Error(out)
	}
	desk.write(t, "wrong.pem", []byte("no key"))
	if out, err := run(t, scanCommand(), "--foreign", desk.path("wrong.pem"), desk.path("traveller.png")); err == nil {
		t.Error(out)
	}
}

func TestScanPrintsALineAPicture(t *testing.T) {
	desk := newCodeDesk(t)
	desk.write(t, "foreign.png", desk.photo(t, "HTTPS://EXAMPLE.ORG"))
	desk.write(t, "page.pdf", []byte("%PDF-1.7"))
	desk.write(t, "notes.txt", []byte("not looked at"))
	out, err := run(t, scanCommand(), "--time", "1m", "--keys", desk.path("keys"), "--root", desk.root, desk.folder, desk.path("page.pdf"), desk.path("gone.jpg"))
	if err == nil || !strings.Contains(err.Error(), "2 of 4 pictures") {
		t.Errorf("error %v", err)
	}
	var lines []map[string]any
	for _, text := range strings.Split(strings.TrimSpace(out), "\n") {
		line := map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		lines = append(lines, line)
	}
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	for i, want := range []struct{ file, kind, verdict, reason string }{
		{"code.png", "emc1", "cant_tell", "stale_status"}, // no status list was given
		{"foreign.png", "other", "foreign", ""},
		{"page.pdf", "", "", ""},
		{"gone.jpg", "", "", ""},
	} {
		line := lines[i]
		if line["file"] != desk.path(want.file) {
			t.Errorf("line %d is about %v", i, line["file"])
		}
		codes := line["codes"].([]any)
		if want.kind == "" {
			if len(codes) != 0 || line["error"] == nil || strings.Contains(line["error"].(string), desk.folder) {
				t.Errorf("%s: %v", want.file, line)
			}
			continue
		}
		code := codes[0].(map[string]any)
		reason := ""
		if reasons, ok := code["reasons"].([]any); ok {
			reason = reasons[0].(string)
		}
		if len(codes) != 1 || code["kind"] != want.kind || code["verdict"] != want.verdict || reason != want.reason || len(code["corners"].([]any)) != 4 || line["step"] == "" {
			t.Errorf("%s: %v", want.file, line)
		}
	}
}

func TestScanWithoutKeysJudgesNothing(t *testing.T) {
	desk := newCodeDesk(t)
	out, err := run(t, scanCommand(), desk.path("code.png"))
	if err != nil || !strings.Contains(out, `"verdict":"unverified"`) || !strings.Contains(out, desk.text) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestVerify(t *testing.T) {
	desk := newCodeDesk(t)
	keys := []string{"--keys", desk.path("keys"), "--root", desk.root}
	desk.write(t, "code.txt", []byte(desk.text+"\n"))
	forged := []byte(desk.text)
	forged[40] ^= 1
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"a text", append(keys, desk.text), "CANT_TELL_OFFLINE stale_status\n  referral of clinic-1\n"},
		{"a file with the text", append(keys, desk.path("code.txt")), "CANT_TELL_OFFLINE stale_status\n"},
		{"a photo", append(keys, desk.path("code.png")), "CANT_TELL_OFFLINE stale_status\n"},
		{"a forgery", append(keys, string(forged)), "NO "},
		{"cut short", append(keys, desk.text[:60]), "NO bad_format\n"},
		{"without keys", []string{desk.text}, "CANT_TELL_OFFLINE unknown_key stale_keys\n"},
		{"a token", append(keys, qr.TokenText(qr.TokenID{9})), "CANT_TELL_OFFLINE online_only\n"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			out, err := run(t, verifyCommand(), tc.args...)
			if err == nil || !strings.HasPrefix(out, tc.want) {
				t.Errorf("%v, got %q, want %q", err, out, tc.want)
			}
			if strings.Contains(out, "ИПС") {
				t.Error("the content was printed without being asked for")
			}
		})
	}
	t.Run("with a status list", func(t *testing.T) {
		out, err := run(t, verifyCommand(), append(keys, "--status", desk.path("status"), desk.path("code.png"))...)
		if err != nil || !strings.HasPrefix(out, "OK\n") {
			t.Errorf("%v, got %q", err, out)
		}
	})
	t.Run("with its content", func(t *testing.T) {
		out, _ := run(t, verifyCommand(), append(keys, "--content", desk.text)...)
		if !strings.Contains(out, "ИПС") {
			t.Errorf("got %q", out)
		}
	})
}

func TestOfflineFlags(t *testing.T) {
	desk := newCodeDesk(t)
	for name, args := range map[string][]string{
		"keys without a root":    {"--keys", desk.path("keys"), "x"},
		"a root without keys":    {"--root", desk.root, "x"},
		"a root that is no key":  {"--keys", desk.path("keys"), "--root", "root=abc", "x"},
		"a root of someone else": {"--keys", desk.path("keys"), "--root", "root=" + strings.Repeat("00", 32), "x"},
		"keys that are no keys":  {"--keys", desk.path("code.png"), "--root", desk.root, "x"},
		"nothing to verify":      {},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := run(t, verifyCommand(), args...); err == nil {
				t.Errorf("no error, and %q", out)
			}
		})
	}
}
