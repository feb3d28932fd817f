package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/signature"
)

// wrappedColumn is one in which a wrapping key's work stands. All of them are here: what is missing is lost with the key that wrapped it.
type wrappedColumn struct {
	table, column string
	keys          []string                  // the columns by which a row is found
	place         func(row []string) []byte // the label, from those
}

var wrappedColumns = []wrappedColumn{
	{"card", "wrapped_key", []string{"id"}, func(row []string) []byte { return keyPlace(card.ID(row[0])) }},
	{"shredding", "sealed", []string{"card"}, func(row []string) []byte { return shreddingPlace(card.ID(row[0])) }},
	{"destroyed_card", "sealed", []string{"account", "card"}, func(row []string) []byte { return destroyedPlace(identity.AccountID(row[0]), card.ID(row[1])) }},
	{"account", "phone_sealed", []string{"id"}, func(row []string) []byte { return personPlace("account", "phone", row[0]) }},
	{"account", "email_sealed", []string{"id"}, func(row []string) []byte { return personPlace("account", "email", row[0]) }},
	{"registration", "phone_sealed", []string{"id"}, func(row []string) []byte { return personPlace("registration", "phone", row[0]) }},
	{"registration", "email_sealed", []string{"id"}, func(row []string) []byte { return personPlace("registration", "email", row[0]) }},
	{"contact_change", "sealed", []string{"id"}, func(row []string) []byte { return contactChangePlace(account.ChallengeID(row[0])) }},
	{"push_contact", "sealed", []string{"device"}, func(row []string) []byte { return contactLabel(identity.DeviceID(row[0])) }},
	{"authenticator", "sealed", []string{"account"}, func(row []string) []byte { return authenticatorLabel(identity.AccountID(row[0])) }},
	{"account_lock", "sealed", []string{"account"}, func(row []string) []byte { return lockPlace(identity.AccountID(row[0])) }},
	{"policy_link", "sealed", []string{"account"}, func(row []string) []byte { return policyPlace(identity.AccountID(row[0])) }},
	{"policy_question", "sealed", []string{"id"}, func(row []string) []byte { return questionPlace(row[0]) }},
	{"signature", "sealed", []string{"account", "id"}, func(row []string) []byte { return proofPlace(identity.AccountID(row[0]), signature.ID(row[1])) }},
	{"document", "key", []string{"account", "id"}, func(row []string) []byte {
		return documentPlace(identity.AccountID(row[0]), evidence.DocumentID(row[1]), "key")
	}},
}

// by is the condition that the column's value was wrapped with the key of the number.
func (w wrappedColumn) by(number int) (condition string, args []any) {
	if number == 1 {
		return fmt.Sprintf("substr(%s, 1, %d) <> ? AND length(%[1]s) > 0", w.column, len(keys.WrappedByLater())), []any{keys.WrappedByLater()}
	}
	return fmt.Sprintf("substr(%s, 1, %d) = ?", w.column, len(keys.WrappedBy(number))), []any{keys.WrappedBy(number)}
}

// notBy is the condition that it was wrapped with any other; the number is not 1.
func (w wrappedColumn) notBy(number int) (condition string, args []any) {
	return fmt.Sprintf("substr(%s, 1, %d) <> ? AND length(%[1]s) > 0", w.column, len(keys.WrappedBy(number))), []any{keys.WrappedBy(number)}
}

// wrappedRow is one value of such a column.
type wrappedRow struct {
	keys    []string
	wrapped []byte
}

// behind reads rows for which the condition holds, in the order of their keys, behind one of them.
func (w wrappedColumn) behind(tx *Tx, last []string, limit int, condition string, args ...any) (list []wrappedRow, err error) {
	columns := strings.Join(w.keys, ", ")
	if last != nil {
		condition += " AND (" + columns + ") > (" + strings.Repeat("?, ", len(last)-1) + "?)"
		for _, key := range last {
			args = append(args, key)
		}
	}
	err = tx.each(func(rows *sql.Rows) error {
		r := wrappedRow{keys: make([]string, len(w.keys))}
		into := make([]any, 0, len(w.keys)+1)
		for i := range r.keys {
			into = append(into, &r.keys[i])
		}
		err := rows.Scan(append(into, &r.wrapped)...)
		list = append(list, r)
		return err
	}, "SELECT "+columns+", "+w.column+" FROM "+w.table+" WHERE "+condition+" ORDER BY "+columns+" LIMIT ?", append(args, limit)...)
	return list, err
}

// rewrap wraps one value anew, if it still is what was read.
func (w wrappedColumn) rewrap(tx *Tx, r wrappedRow) error {
	plain, err := tx.unwrap(r.wrapped, w.place(r.keys), errUnopened)
	if err != nil {
		return err
	}
	fresh, err := tx.wrap(plain, w.place(r.keys))
	if err != nil {
		return err
	}
	args := []any{fresh, r.wrapped}
	for _, key := range r.keys {
		args = append(args, key)
	}
	_, err = tx.exec("UPDATE "+w.table+" SET "+w.column+" = ? WHERE "+w.column+" = ? AND "+strings.Join(w.keys, " = ? AND ")+" = ?", args...)
	return err
}

var errUnopened = errors.New("store: a wrapped value does not open: it was changed or moved")

// rowsToRewrap are read at a time.
const rowsToRewrap = 500

// Rewrapped is what became of a run of Rewrap.
type Rewrapped struct {
	By        int   // the number of the key that wraps
	Done      int   // values that were wrapped anew
	Damaged   int   // values that no key opens: they are left as they are
	Remaining int64 // values that are wrapped with an older key now
}

// Rewrap wraps with the key in use whatever an older one wrapped, each value in a short transaction of its own. Servers may run meanwhile, and
// other runs; one that is interrupted goes on where it was. step is told values.
func (db *DB) Rewrap(ctx context.Context, step func(done, total int)) (out Rewrapped, err error) {
	if out.By, err = db.wrapping(ctx); err != nil || out.By == 1 {
		return out, err
	}
	older := func(w wrappedColumn) (string, []any) { return w.notBy(out.By) }
	left, err := db.countWrapped(ctx, older, func(int, int) {})
	if err != nil {
		return out, err
	}
	for _, w := range wrappedColumns {
		if err := db.rewrapColumn(ctx, w, &out, func() { step(out.Done+out.Damaged, int(left)) }); err != nil {
			return out, err
		}
	}
	if now, err := db.wrapping(ctx); err != nil || now != out.By {
		return out, orElse(err, ErrTurned)
	}
	out.Remaining, err = db.countWrapped(ctx, older, func(int, int) {})
	return out, err
}

// ErrTurned means that a newer key began to wrap in the middle of a Rewrap: it is to be begun again.
var ErrTurned = errors.New("store: a newer wrapping key is in use since this began")

func (db *DB) rewrapColumn(ctx context.Context, w wrappedColumn, out *Rewrapped, step func()) error {
	for last := []string(nil); ; {
		var page []wrappedRow
		if err := db.View(ctx, func(tx *Tx) (err error) {
			condition, args := w.notBy(out.By)
			page, err = w.behind(tx, last, rowsToRewrap, condition, args...)
			return err
		}); err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			switch err := db.Update(ctx, func(tx *Tx) error { return w.rewrap(tx, r) }); {
			case err == nil:
				out.Done++
			case errors.Is(err, errUnopened):
				out.Damaged++
			default:
				return err
			}
			last = r.keys
			step()
		}
	}
}

// countWrapped counts the values for which a column's condition holds. step is told columns.
func (db *DB) countWrapped(ctx context.Context, which func(wrappedColumn) (string, []any), step func(done, total int)) (all int64, err error) {
	for i, w := range wrappedColumns {
		step(i, len(wrappedColumns))
		var n int64
		if err := db.View(ctx, func(tx *Tx) error {
			condition, args := which(w)
			_, err := tx.one([]any{&n}, "SELECT count(*) FROM "+w.table+" WHERE "+condition, args...)
			return err
		}); err != nil {
			return all, err
		}
		all += n
	}
	return all, nil
}
