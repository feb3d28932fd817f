package vault

import (
	"context"
	"database/sql"
	"sync"
)

// statements keeps what a pool's transactions run, prepared on its connections: to read the text of a statement takes longer than to find a
// record with it. A statement can be prepared for the pool only while no transaction holds its connection, so one that is new is prepared
// for its transaction, and learned after it.
type statements struct {
	db    *sql.DB
	known sync.Map // text -> *sql.Stmt; they close with the pool
}

// in gives the statement for the transaction, and whether it was known.
func (s *statements) in(tx *sql.Tx, query string) (*sql.Stmt, bool, error) {
	if known, ok := s.known.Load(query); ok {
		return tx.StmtContext(context.Background(), known.(*sql.Stmt)), true, nil //nolint:forcetypeassert // nothing else is put there
	}
	prepared, err := tx.PrepareContext(context.Background(), query)
	return prepared, false, err
}

// learn prepares what a transaction met that was not known; the transaction is over. Whatever fails here is learned another time.
func (s *statements) learn(queries []string) {
	for _, query := range queries {
		prepared, err := s.db.PrepareContext(context.Background(), query)
		if err != nil {
			return
		}
		if _, known := s.known.LoadOrStore(query, prepared); known {
			_ = prepared.Close()
		}
	}
}

// learn gives the pool what it did not know. t is over, or never began.
func (t *Tx) learn() {
	if t != nil && len(t.news) > 0 {
		t.pool.learn(t.news)
	}
}
