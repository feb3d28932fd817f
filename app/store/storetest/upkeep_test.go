package storetest

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// swept are the tables out of which something deletes what has run out, and what that is. The hourly upkeep (jobs.Upkeep) calls the Sweep of each act.
var swept = map[string]string{
	"registration":        "enrolling.Sweep, a day after its end",
	"contact_change":      "enrolling.Sweep, a day after its end",
	"sign_in":             "enrolling.Sweep, a day after its end",
	"password_recovery":   "enrolling.Sweep, a day after its end",
	"ceremony":            "enrolling.Sweep, a day after its end",
	"one_time_code":       "enrolling.Sweep, a day after its end",
	"refresh_token":       "enrolling.Sweep, a day after its end",
	"session":             "enrolling.Sweep, a day after its end",
	"allowance":           "enrolling.Sweep, a day after nothing of it is spent",
	"account_device":      "enrolling.Sweep, a year after it was seen last, if nobody is signed in on it",
	"claim_code":          "enrolling.Sweep, a year after its end",
	"practitioner":        "enrolling.Sweep, a year after its end",
	"account_event":       "enrolling.Sweep, a year after it",
	"push_contact":        "notifying.Sweep, when a carrier would have let it die",
	"oauth_assertion":     "oauth.Sweep, at its end",
	"attachment_upload":   "attaching.Sweep, when nobody goes on with it",
	"attachment_piece":    "with the upload or the attachment that it is of",
	"attachment":          "attaching.Sweep, a patient's that no record names, with its upload",
	"record_attachment":   "when the record names it no more",
	"record_scope":        "syncing.Collect, when no phone can ask any more where a record stood",
	"mutation_result":     "syncing.Collect, when its phone has heard of it",
	"dispensing_key":      "dispensing.Sweep, when no pharmacy repeats the request any more",
	"prescription_end":    "dispensing.Sweep, when the prescription is over",
	"signature_challenge": "signing.Sweep, at its end",
	"document":            "proving.Sweep, drafts and rejected ones that were left alone; an approved one is the ground of a right",
	"document_file":       "with its document",
	"audit_pending":       "auditing.Sequence, each second",
	"proposal":            "when its client makes the next",
	"clinic_notice":       "when its clinic gets the next",
	"account_lock":        "when the account is opened again",
	"awaited_card":        "when its person is let in",
	"account_card":        "when the access ends",
}

// staying are the tables out of which nothing is ever deleted because of its age, and why they do not grow without bound, or have to.
var staying = map[string]string{
	"account":               "a person",
	"authenticator":         "one an account",
	"recovery_code":         "a set an account",
	"passkey":               "as many as a person has authenticators",
	"external_link":         "one an account and provider",
	"signer":                "one an account",
	"signer_certificate":    "one an account and authority",
	"policy_link":           "one an account",
	"signature":             "the evidence of what a person confirmed",
	"incident":              "the law's evidence of what happened, and who was told",
	"incident_concern":      "the same",
	"restoration":           "a restore of the database",
	"wrapping_key":          "a key",
	"key_event":             "a key",
	"key_set":               "one row",
	"oauth_client":          "an organisation; its name stands in logs that stay",
	"counter_device":        "a pharmacy's device; receipts that come late are held against it",
	"status_shard":          "a status list: as many as papers fill",
	"paper_status":          "a paper, and codes of papers are asked for after they ended",
	"paper_number":          "the same",
	"paper":                 "the same",
	"receipt":               "a hand-out without a network: a document of the pharmacy",
	"audit_leaf":            "the log of accesses only grows, by law",
	"audit_node":            "the same",
	"audit_head":            "one row",
	"policy_question":       "one an account, of which its insurer was asked whose the policy is",
	"destroyed_card":        "a destroyed card and whose it was, who may ask for years",
	"shredding":             "a destroyed card: who, and why",
	"push_news":             "one a card, account and kind of notice",
	"patient_key":           "the numbers of a card's patient",
	"card":                  "a card",
	"card_actor":            "a phone that wrote into a card: what it wrote names it",
	"card_scope":            "the sections of a card",
	"access_grant":          "part of a card: who was let in when, but for those of single phones, which go",
	"audit_entry":           "part of a card: the access log, which only grows",
	"certificate":           "part of a card",
	"dispensing_answer":     "part of a prescription: what its pharmacy was answered",
	"dispensing_case":       "part of a card: what was wrongly handed out",
	"emergency":             "part of a card: who opened it without leave",
	"hand_out":              "part of a prescription",
	"posting":               "part of a card: what clinics posted, byte for byte",
	"prescription":          "part of a card",
	"prescription_item":     "part of a prescription",
	"provenance":            "part of a record: who wrote it",
	"record":                "part of a card",
	"record_version":        "part of a card: its history",
	"referral":              "part of a card",
	"reminder":              "part of a card: who reminded of what",
	"representation":        "part of a card: who acted for the patient",
	"representation_notice": "one a representation and kind of notice",
}

// A table that comes later is swept, or somebody has said why it is not.
func TestEveryTableIsSweptOrStays(t *testing.T) {
	cfg := SQLite(t)
	OpenStore(t, cfg)
	tables, source := tablesIn(t, cfg.SQLite), storeSource(t)
	if len(tables) < 60 {
		t.Fatalf("tables: %v", tables)
	}
	for _, table := range tables {
		switch {
		case (swept[table] == "") == (staying[table] == ""):
			t.Errorf("%s: say here what deletes out of it what has run out, or why it stays", table)
		case swept[table] != "" && !regexp.MustCompile(`DELETE FROM `+table+`\b`).MatchString(source):
			t.Errorf("%s: the store deletes nothing out of it", table)
		}
	}
	for table := range swept {
		if !slices.Contains(tables, table) {
			t.Errorf("%s is swept, and is no table", table)
		}
	}
	for table := range staying {
		if !slices.Contains(tables, table) {
			t.Errorf("%s stays, and is no table", table)
		}
	}
}

// tablesIn lists the tables, but for those of the queue, of the migrations and of SQLite, which look after themselves.
func tablesIn(t *testing.T, file string) (list []string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if owner, _, _ := strings.Cut(name, "_"); owner != "river" && owner != "goose" && owner != "sqlite" {
			list = append(list, name)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// storeSource is the text of the package.
func storeSource(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// Devices that nobody used for long go; who is signed in stays known, however long ago he was seen.
func TestUnusedDevicesAreForgotten(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		who, before := identity.AccountID(store.NewID()), noon.Add(-account.UnusedLife)
		device := func(seen time.Time) (id identity.DeviceID) {
			id = identity.DeviceID(store.NewID())
			update(t, db, func(tx *store.Tx) error {
				return tx.PutDevice(who, account.Device{ID: id, Name: "Телефон", Secret: []byte("hash"), Seen: seen})
			})
			return id
		}
		enter := func(on identity.DeviceID) {
			update(t, db, func(tx *store.Tx) error {
				return tx.AddSession(account.Session{ID: identity.SessionID(store.NewID()), Account: who, Device: on, Opened: noon, Proved: noon, Ends: noon.Add(time.Hour)})
			})
		}
		device(before.Add(-time.Hour))
		enter(device(before.Add(-time.Hour)))
		update(t, db, func(tx *store.Tx) error { return tx.EndSessions(who, noon) })
		signedIn, fresh := device(before.Add(-time.Hour)), device(before.Add(time.Hour))
		enter(signedIn)
		var list []account.ListedDevice
		update(t, db, func(tx *store.Tx) (err error) {
			err = tx.ForgetUnused(before)
			if err == nil {
				list, err = tx.Devices(who, noon)
			}
			return err
		})
		if len(list) != 2 || list[0].ID != fresh || list[1].ID != signedIn {
			t.Errorf("left are %+v; want %s and %s", list, fresh, signedIn)
		}
	})
}
