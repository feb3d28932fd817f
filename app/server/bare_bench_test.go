package server_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/medcard/medcard/app/store/storetest"
)

// bare is the least that a sync can be, and what ours is measured against: no accounts, no access rules, no encryption, no
// audit, no clocks. One table on the same database as ours, net/http, one prepared statement, a streaming encoder, gzip 1; the
// client decodes and commits one transaction in a SQLite file of its own.
type bare struct {
	*httptest.Server
	db                 *sql.DB
	scan, save         *sql.Stmt
	phone              *sql.DB
	http               *http.Client
	keep, queued, sent *sql.Stmt
	cursor             int64
}

// bareRecord is a record as it travels.
type bareRecord struct {
	ID    string          `json:"id"`
	Seq   int64           `json:"seq,omitempty"`
	Kind  string          `json:"kind"`
	Scope string          `json:"scope"`
	Atoms json.RawMessage `json:"atoms"`
}

// durable are the settings that our own SQLite files have.
const durable = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=temp_store(memory)&_txlock=immediate"

// startBare serves a table for the card in the database: the SQLite file, or PostgreSQL where dsn is set.
func startBare(b *testing.B, card, file, dsn string, client *http.Client) *bare {
	b.Helper()
	s := &bare{http: client}
	var err error
	if dsn != "" {
		s.db, err = sql.Open("pgx", storetest.Mighty(dsn)) // it makes a table, which the app may not
	} else {
		s.db, err = driver.Open("file:" + file + durable)
	}
	must(b, err)
	s.phone, err = driver.Open("file:" + filepath.Join(b.TempDir(), "bare.db") + durable)
	must(b, err)
	s.phone.SetMaxOpenConns(1)
	for _, step := range []struct {
		db   *sql.DB
		text string
	}{
		{s.db, "CREATE TABLE IF NOT EXISTS bare (card text NOT NULL, id text NOT NULL, seq bigint NOT NULL, kind text NOT NULL, scope text NOT NULL, atoms text NOT NULL, PRIMARY KEY (card, id))"},
		{s.db, "CREATE UNIQUE INDEX IF NOT EXISTS bare_by_seq ON bare (card, seq, id)"},
		{s.phone, "CREATE TABLE record (id text NOT NULL PRIMARY KEY, kind text NOT NULL, scope text NOT NULL, atoms text NOT NULL)"},
		{s.phone, "CREATE TABLE queue (n integer PRIMARY KEY, id text NOT NULL, atoms text NOT NULL)"},
		{s.phone, "CREATE TABLE place (cursor bigint NOT NULL)"},
		{s.phone, "INSERT INTO place VALUES (0)"},
	} {
		_, err := step.db.ExecContext(context.Background(), step.text)
		must(b, err)
	}
	prepare := func(db *sql.DB, text string) *sql.Stmt {
		statement, err := db.PrepareContext(context.Background(), text)
		must(b, err)
		b.Cleanup(func() { statement.Close() })
		return statement
	}
	const upsert = " ON CONFLICT (card, id) DO UPDATE SET seq = excluded.seq, atoms = excluded.atoms"
	s.scan = prepare(s.db, "SELECT id, seq, kind, scope, atoms FROM bare WHERE card = $1 AND seq > $2 ORDER BY seq")
	s.save = prepare(s.db, "INSERT INTO bare (card, id, seq, kind, scope, atoms) VALUES ($1, $2, $3, $4, $5, $6)"+upsert)
	s.keep = prepare(s.phone, "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)")
	s.queued = prepare(s.phone, "SELECT id, atoms FROM queue ORDER BY n")
	s.sent = prepare(s.phone, "DELETE FROM queue WHERE n <= ?")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pull", s.servePull)
	mux.HandleFunc("POST /push/{card}", s.servePush)
	s.Server = httptest.NewServer(mux)
	b.Cleanup(func() {
		s.Close()
		s.db.Close()
		s.phone.Close()
	})
	s.store(b, card, nil)
	return s
}

// store puts records on the server, past the network.
func (s *bare) store(b *testing.B, card string, records []bareRecord) {
	b.Helper()
	must(b, s.commit(context.Background(), card, records))
}

func (s *bare) commit(ctx context.Context, card string, records []bareRecord) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var seq int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM bare WHERE card = $1", card).Scan(&seq); err != nil {
		return err
	}
	save := tx.StmtContext(ctx, s.save)
	for _, r := range records {
		seq++
		if _, err := save.ExecContext(ctx, card, r.ID, seq, r.Kind, r.Scope, string(r.Atoms)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *bare) servePull(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseInt(r.FormValue("after"), 10, 64)
	if err == nil {
		err = s.write(r.Context(), w, r.FormValue("card"), after)
	}
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
	}
}

func (s *bare) write(ctx context.Context, w http.ResponseWriter, card string, after int64) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Content-Encoding", "gzip")
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	rows, err := s.scan.QueryContext(ctx, card, after)
	if err != nil {
		return err
	}
	defer rows.Close()
	out := json.NewEncoder(z)
	for rows.Next() {
		var r bareRecord
		if err := rows.Scan(&r.ID, &r.Seq, &r.Kind, &r.Scope, (*[]byte)(&r.Atoms)); err != nil {
			return err
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), z.Close())
}

func (s *bare) servePush(w http.ResponseWriter, r *http.Request) {
	var records []bareRecord
	z, err := gzip.NewReader(r.Body)
	if err == nil {
		err = json.NewDecoder(z).Decode(&records)
	}
	if err == nil {
		err = s.commit(r.Context(), r.PathValue("card"), records)
	}
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, `{"accepted":%d}`, len(records))
}

// pull brings what is new, all of it in one transaction, and says how much that was.
func (s *bare) pull(ctx context.Context, card string) (n int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/pull?card=%s&after=%d", s.URL, card, s.cursor), nil)
	if err != nil {
		return 0, err
	}
	response, err := s.http.Do(request) // which unpacks
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	in := json.NewDecoder(bufio.NewReader(response.Body))
	if !in.More() {
		return 0, nil
	}
	tx, err := s.phone.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	keep := tx.StmtContext(ctx, s.keep)
	cursor := s.cursor
	for ; in.More(); n++ {
		var r bareRecord
		if err := in.Decode(&r); err != nil {
			return n, err
		}
		if _, err := keep.ExecContext(ctx, r.ID, r.Kind, r.Scope, string(r.Atoms)); err != nil {
			return n, err
		}
		cursor = r.Seq
	}
	if _, err := tx.ExecContext(ctx, "UPDATE place SET cursor = ?", cursor); err != nil {
		return n, err
	}
	s.cursor = cursor
	return n, tx.Commit()
}

// forget makes the phone's file empty.
func (s *bare) forget(b *testing.B) {
	b.Helper()
	_, err := s.phone.ExecContext(context.Background(), "DELETE FROM record")
	must(b, err)
	s.cursor = 0
}

// edit puts edits into the phone's queue.
func (s *bare) edit(b *testing.B, records []bareRecord) {
	b.Helper()
	tx, err := s.phone.BeginTx(context.Background(), nil)
	must(b, err)
	defer tx.Rollback()
	for i, r := range records {
		_, err := tx.ExecContext(context.Background(), "INSERT INTO queue VALUES (?, ?, ?)", i+1, r.ID, string(r.Atoms))
		must(b, err)
	}
	must(b, tx.Commit())
}

// offer sends records in one request.
func (s *bare) offer(ctx context.Context, card string, records []bareRecord) error {
	body, pipe := io.Pipe()
	go func() {
		z, err := gzip.NewWriterLevel(pipe, gzip.BestSpeed)
		if err == nil {
			err = errors.Join(json.NewEncoder(z).Encode(records), z.Close())
		}
		pipe.CloseWithError(err)
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/push/"+card, body)
	if err != nil {
		return err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Accepted int }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Accepted != len(records) {
		return fmt.Errorf("%d of %d accepted", answer.Accepted, len(records))
	}
	return nil
}

// push sends the queue in one request and empties it.
func (s *bare) push(ctx context.Context, card string) error {
	records, err := s.queue(ctx)
	if err != nil {
		return err
	}
	if err := s.offer(ctx, card, records); err != nil {
		return err
	}
	tx, err := s.phone.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	keep := tx.StmtContext(ctx, s.keep)
	for _, r := range records {
		if _, err := keep.ExecContext(ctx, r.ID, r.Kind, r.Scope, string(r.Atoms)); err != nil {
			return err
		}
	}
	if _, err := tx.StmtContext(ctx, s.sent).ExecContext(ctx, len(records)); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *bare) queue(ctx context.Context) (records []bareRecord, err error) {
	rows, err := s.queued.QueryContext(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r := bareRecord{Kind: "comment", Scope: "note.general"}
		if err := rows.Scan(&r.ID, (*[]byte)(&r.Atoms)); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}
