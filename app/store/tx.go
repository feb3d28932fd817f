package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
)

// Tx is one transaction. It is used by one goroutine and dies with the closure it was given to.
type Tx struct {
	ctx      context.Context
	db       *DB
	g        *gorm.DB
	token    *consent.Token
	sqlite   *sql.Tx // SQLite: what the job queue inserts through
	postgres pgx.Tx  // PostgreSQL: the same

	still    bool    // it only reads, and sees one moment
	scanning bool    // rows are open: see each
	glance   glance  // of Glance: what it may still ask
	alive    card.ID // whose key is not destroyed, as this transaction saw
	entered  card.ID // PostgreSQL: whose rows it sees, see enter.go
	keysOf   card.ID // whose data keys it has at hand
	keys     keySet
	keysRead bool    // they were read in this transaction, and are not what another one read
	heldOf   card.ID // whose newest data key nobody changes until it ends
	held     uint32  // that key's name
	wrapper  int     // the number of the key that wraps; 0: it was not asked for yet

	granted   []consent.Grant // what Decide read last
	grantedOf card.ID
	permit    consent.Permit // what it decided

	left   []card.Scope        // scopes that records left
	veiled map[card.Scope]bool // scopes in which Publish was given only records that the owner hid
}

func newTx(ctx context.Context, db *DB, g *gorm.DB) *Tx {
	return &Tx{ctx: ctx, db: db, g: g, token: new(consent.Token)}
}

// glance says what a Tx of DB.Glance may still ask.
type glance uint8

const (
	noGlance    glance = iota // it is a transaction
	glanceBegun               // one question
	glanceOver                // none
)

// errGlance means that a glance was more than one question, or wanted to change something, or to enter a card: a mistake of ours.
var errGlance = errors.New("store: a glance is one question about what is of no card")

// ask is called before each question.
func (tx *Tx) ask() error {
	if tx.scanning {
		return errScanning
	}
	switch tx.glance {
	case glanceBegun:
		tx.glance = glanceOver
	case glanceOver:
		return errGlance
	case noGlance:
	}
	return nil
}

// bid is called before each statement that may change something.
func (tx *Tx) bid() error {
	if tx.glance != noGlance {
		return errGlance
	}
	return tx.ask()
}

// NewID gives a fresh version 7 UUID.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// exec runs one statement and returns how many rows it changed.
func (tx *Tx) exec(statement string, args ...any) (int64, error) {
	if err := tx.bid(); err != nil {
		return 0, err
	}
	r := tx.g.Exec(statement, bound(args)...)
	return r.RowsAffected, r.Error
}

// one scans the only row of a query into dest; found is false where there is none.
func (tx *Tx) one(dest []any, query string, args ...any) (found bool, err error) {
	if err := tx.ask(); err != nil {
		return false, err
	}
	err = tx.g.Raw(query, bound(args)...).Row().Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	tx.db.rowsRead.Add(1)
	return err == nil, err
}

// each calls visit for every row of a query, in order, until it returns an error. visit asks the database nothing: its
// connection is busy with the rows, and on PostgreSQL the question would wait for itself for ever.
func (tx *Tx) each(visit func(*sql.Rows) error, query string, args ...any) error {
	if err := tx.ask(); err != nil {
		return err
	}
	rows, err := tx.g.Raw(query, bound(args)...).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	tx.scanning = true
	defer func() { tx.scanning = false }()
	for rows.Next() {
		tx.db.rowsRead.Add(1)
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

var errScanning = errors.New("store: the database was asked something while the rows of a question before were open")

// ErrForeignPermit means that a permit of another card or another transaction was shown: a mistake of ours.
var ErrForeignPermit = errors.New("store: the permit is not of this transaction, or not for this card or scope")

// mayOwn asks for a permit of the card's owner.
func (tx *Tx) mayOwn(p consent.Permit) error {
	if !p.Owner() {
		return ErrForeignPermit
	}
	return tx.may(p)
}

// mayWatch asks for a permit of the card's owner, or of who speaks for its patient.
func (tx *Tx) mayWatch(p consent.Permit) error {
	if !p.Speaks() {
		return ErrForeignPermit
	}
	return tx.may(p)
}

// may asks for a permit of this transaction, and enters its card.
func (tx *Tx) may(p consent.Permit) error {
	if !p.Of(tx.token) {
		return ErrForeignPermit
	}
	return tx.enter(p.Card())
}

func (tx *Tx) mayWrite(p consent.Permit, id card.ID, scope card.Scope) error {
	if p.Card() != id || !p.Writes(scope) {
		return ErrForeignPermit
	}
	return tx.may(p)
}

var errNoCard = fault.New(fault.NotFound, "card.not_found", "There is no such card, or you have no right to see it.")
