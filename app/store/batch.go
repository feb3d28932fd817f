package store

import (
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// The hot statements of sync, which meet many rows at a time. GORM would write one long statement for them, another one for every
// number of rows, and the database would read it anew each time: that cost more than the rows.

// execEach runs one statement once for each list of arguments: on SQLite prepared, on PostgreSQL sent in one go. Its placeholders are
// $1 to $n, in order, which both databases read.
func (tx *Tx) execEach(statement string, rows [][]any) error {
	if err := tx.bid(); err != nil {
		return err
	}
	if len(rows) == 0 {
		return nil
	}
	if tx.postgres != nil {
		var batch pgx.Batch
		for _, args := range rows {
			batch.Queue(statement, plainArgs(args)...)
		}
		return tx.postgres.SendBatch(tx.ctx, &batch).Close()
	}
	prepared, err := tx.sqlite.PrepareContext(tx.ctx, statement)
	if err != nil {
		return err
	}
	for _, args := range rows {
		if _, err := prepared.ExecContext(tx.ctx, plainArgs(args)...); err != nil {
			return errors.Join(err, prepared.Close())
		}
	}
	return prepared.Close()
}

// plainArgs makes of the arguments of a statement that does not go through GORM what both databases take for the same.
func plainArgs(args []any) []any {
	for i, arg := range args {
		if t, ok := arg.(time.Time); ok {
			args[i] = instant(t)
		}
	}
	return args
}

// among is the condition that a column with UUIDs holds one of so many that they come as one argument.
func (tx *Tx) among(column string, ids []string) (condition string, argument any) {
	var list strings.Builder
	for i, id := range ids {
		if i > 0 {
			list.WriteByte(',')
		}
		list.WriteByte('"')
		list.WriteString(escapedID.Replace(id))
		list.WriteByte('"')
	}
	if tx.postgres != nil {
		return column + " = ANY(?::uuid[])", "{" + list.String() + "}"
	}
	return column + " IN (SELECT value FROM json_each(?))", "[" + list.String() + "]"
}

// escapedID keeps what is no UUID inside of its quotes, in JSON and in PostgreSQL's arrays alike.
var escapedID = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
