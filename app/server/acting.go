package server

import (
	"context"

	"github.com/medcard/medcard/app/store"
)

// acting shows the store to an act through the act's own narrow Tx interface, which *store.Tx satisfies.
type acting[Tx any] struct {
	db *store.DB
	as func(*store.Tx) Tx
}

func (s acting[Tx]) View(ctx context.Context, f func(Tx) error) error {
	return s.db.View(ctx, func(tx *store.Tx) error { return f(s.as(tx)) })
}

func (s acting[Tx]) Glance(ctx context.Context, f func(Tx) error) error {
	return s.db.Glance(ctx, func(tx *store.Tx) error { return f(s.as(tx)) })
}

func (s acting[Tx]) Update(ctx context.Context, f func(Tx) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return f(s.as(tx)) })
}
