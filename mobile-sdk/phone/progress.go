package phone

import (
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
)

// Progress tells how far a card's first sync is, after each page that was applied.
type Progress struct {
	Card  card.ID
	Done  int // records of the card on this phone
	Total int // records that the server has for it; 0 = not a first sync
}

// resume takes up the count of a first sync where the last one left it.
func (e *exchange) resume(meta replica.Meta) error {
	if !meta.Synced.IsZero() {
		return nil
	}
	_, err := e.client.vault.Load(settingTotal+string(e.card.id), &e.total)
	return err
}

const settingTotal = "total:"

// expect notes how many records a first sync will bring; over a restart of the app, too.
func (e *exchange) expect(total int) error {
	if total == 0 || total == e.total {
		return nil
	}
	e.total = total
	return e.client.vault.Save(settingTotal+string(e.card.id), total)
}

// applied counts a page that is in the file, and tells whoever watches.
func (e *exchange) applied(p pageCount) error {
	e.report.Sent += p.results
	e.report.Received += p.rows
	e.report.Removed += p.removed
	if e.client.progress == nil {
		return nil
	}
	done := 0
	err := e.card.store.Read(func(tx *vault.Tx) error {
		counts, err := tx.Count()
		for _, scopes := range counts {
			for _, n := range scopes {
				done += n
			}
		}
		return err
	})
	if err == nil {
		e.client.progress(Progress{Card: e.card.id, Done: done, Total: e.total})
	}
	return err
}
