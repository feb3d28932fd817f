package store

import (
	"bytes"
	"database/sql"
	"fmt"

	"github.com/medcard/medcard/sync/replica"
)

// What was decided on a card's mutations, in the table mutation_result. Most of a batch are decided alike, so a row is a run of them: n is
// that of its first, hash has the hashes of all, one behind the other. (A thousand edits that were accepted are one row.)

const (
	hashSize = 32
	runLast  = "n + length(hash) / 32 - 1" // the n of a run's last
)

func (l *ledger) Decisions(actor uint32, from, to uint64) (list []replica.Decision, err error) {
	err = l.tx.each(func(rows *sql.Rows) error {
		var d replica.Decision
		var hashes []byte
		if err := rows.Scan(&d.N, &hashes, &d.Outcome, &d.Code); err != nil {
			return err
		}
		if len(hashes)%hashSize != 0 {
			return fmt.Errorf("store: the hashes of mutations have %d bytes", len(hashes))
		}
		for ; len(hashes) > 0; hashes = hashes[hashSize:] {
			if copy(d.Hash[:], hashes); from <= d.N && d.N <= to {
				list = append(list, d)
			}
			d.N++
		}
		return nil
	}, "SELECT n, hash, outcome, code FROM mutation_result WHERE card = ? AND actor = ? AND "+runLast+" >= ? AND n <= ? ORDER BY n",
		string(l.card), actor, from, to)
	return list, err
}

func (l *ledger) SaveDecisions(actor uint32, decisions []replica.Decision) error {
	var rows [][]any
	for len(decisions) > 0 {
		first, n := decisions[0], 0
		var hashes bytes.Buffer
		for ; n < len(decisions) && alike(first, decisions[n], n); n++ {
			hashes.Write(decisions[n].Hash[:])
		}
		rows = append(rows, []any{string(l.card), actor, first.N, hashes.Bytes(), first.Outcome, first.Code})
		decisions = decisions[n:]
	}
	return l.tx.execEach("INSERT INTO mutation_result (card, actor, n, hash, outcome, code) VALUES ($1, $2, $3, $4, $5, $6)", rows)
}

// alike says whether d, that many places behind the first of a run, belongs to it.
func alike(first, d replica.Decision, behind int) bool {
	return d.N == first.N+uint64(behind) && d.Outcome == first.Outcome && d.Code == first.Code
}

func (l *ledger) DropDecisions(actor uint32, to uint64) error {
	if _, err := l.tx.exec("DELETE FROM mutation_result WHERE card = ? AND actor = ? AND "+runLast+" <= ?", string(l.card), actor, to); err != nil {
		return err
	}
	_, err := l.tx.exec("UPDATE mutation_result SET hash = substr(hash, CAST((? - n) * 32 AS integer) + 1), n = ? WHERE card = ? AND actor = ? AND n <= ?",
		to+1, to+1, string(l.card), actor, to)
	return err
}
