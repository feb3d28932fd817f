package phone

import (
	"errors"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
)

// Card is one card on the phone. Reading and writing need no network; see Client.Sync. It is safe for concurrent use.
type Card struct {
	client *Client
	id     card.ID
	store  *vault.Card
	engine *replica.Phone

	examined time.Time // when a check began last; whoever holds the turnstile of syncs reads and writes it

	fetching turnstile // one file at a time
	lapsing  lapsing
}

// rules say what a phone may write; the server has the same.
var rules = cardsync.Rules()

// What reading and writing fail with, besides LeaseError.
var (
	// ErrNoRecord says that there is no such record on this phone.
	ErrNoRecord = errors.New("phone: no such record")
	// ErrReadOnly says that only clinics write records of this kind.
	ErrReadOnly = errors.New("phone: records of this kind are written by clinics only")
	// ErrInvalid says that the server would not take this content: a reading that no living person has, a text that is too long.
	ErrInvalid = errors.New("phone: this content is not accepted")
	// ErrUnchanged says that there is nothing to save.
	ErrUnchanged = errors.New("phone: nothing was changed")
	// ErrOutdated says that the record was edited on this very phone after the editor was opened: open it anew.
	ErrOutdated = replica.ErrOutdated
)

func newCard(c *Client, id card.ID) *Card {
	store := c.vault.Card(string(id))
	return &Card{client: c, id: id, store: store, engine: replica.NewPhone(string(id), store, c.time.now), fetching: newTurnstile()}
}

// ID is the card's id.
func (k *Card) ID() card.ID { return k.id }

// Synced tells when the card was last in step with the server; zero = never.
func (k *Card) Synced() (time.Time, error) {
	meta, err := k.engine.Meta()
	return meta.Synced, err
}

// Leases tells until when each scope may be read without speaking to the server; what is sensitive in it for three days at most.
func (k *Card) Leases() (map[card.Scope]time.Time, error) {
	meta, err := k.engine.Meta()
	if err != nil {
		return nil, err
	}
	until := make(map[card.Scope]time.Time, len(meta.Leases))
	for _, lease := range meta.Leases {
		until[card.Scope(lease.Scope)] = lease.Until
	}
	return until, nil
}

// Counts says how many records of each kind the server has given this phone, as far as they may be shown.
func (k *Card) Counts() (map[card.Kind]int, error) {
	k.enter()
	counts := map[card.Kind]int{}
	err := k.store.Read(func(tx *vault.Tx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		open := k.leased(meta)
		all, err := tx.Count()
		if err != nil {
			return err
		}
		shown := 0
		for kind, scopes := range all {
			for scope, n := range scopes {
				if open.opens(scope) {
					counts[card.Kind(kind)] += n
					shown += n
				}
			}
		}
		open.missed("")
		return open.err(shown)
	})
	return counts, err
}
