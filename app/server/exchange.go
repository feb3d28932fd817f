package server

import (
	"crypto/rand"
	"time"

	"github.com/medcard/medcard/app/exchanging"
	"github.com/medcard/medcard/app/store"
)

// Exchange assembles the intake of bundles alone, for commands that import while nothing serves.
func Exchange(db *store.DB, clock func() time.Time) *exchanging.Service {
	return exchanging.New(exchanging.Parts{
		Store: acting[exchanging.Tx]{db, func(tx *store.Tx) exchanging.Tx { return tx }}, Clock: clock, Random: rand.Reader, NewID: store.NewID,
	})
}
