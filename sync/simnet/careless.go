package simnet

import (
	"encoding/json"
	"maps"
	"math"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// partly is a digest of less than all.
func partly(row wire.Row, mistake Broken) wire.Digest {
	if mistake == FlatSums {
		row.Scope = ""
		return replica.Digest(row)
	}
	atoms := make(map[string][]wire.Version, len(row.Atoms))
	for name, versions := range row.Atoms {
		for _, v := range versions {
			v.Value = json.RawMessage("null")
			atoms[name] = append(atoms[name], v)
		}
	}
	row.Atoms = atoms
	return replica.Digest(row)
}

// careless is a Ledger with such digests, carelessTx the phone to it.
type careless struct {
	replica.Ledger
	mistake Broken
}

func (c careless) Digests(scopes replica.Scopes, from, to string, limit int) (list []wire.Entry, err error) {
	if list, err = c.Ledger.Digests(scopes, from, to, limit); err != nil {
		return nil, err
	}
	for i, e := range list {
		records, err := c.Records([]string{e.ID})
		if err != nil {
			return nil, err
		}
		list[i].Digest = partly(project(records[e.ID]), c.mistake)
	}
	return list, nil
}

func (c careless) Sum(scopes replica.Scopes) (sum wire.Sum, known bool, err error) {
	list, err := c.Digests(scopes, "", "", math.MaxInt32)
	for _, e := range list {
		sum.Add(e.Digest)
	}
	return sum, true, err
}

type carelessTx struct {
	replica.PhoneTx
	mistake Broken
}

func (c carelessTx) Digests(from, to string) ([]wire.Entry, error) {
	list, err := c.PhoneTx.Digests(from, to)
	for i, e := range list {
		row, _, err := c.Row(e.ID)
		if err != nil {
			return nil, err
		}
		list[i].Digest = partly(row, c.mistake)
	}
	return list, err
}

func (c carelessTx) Sum() (sum wire.Sum, err error) {
	list, err := c.Digests("", "")
	for _, e := range list {
		sum.Add(e.Digest)
	}
	return sum, err
}

// hasty is the phone that drops what differs before it asks for what replaces it.
func (w *World) hasty(s *seat, answer wire.CheckResponse) {
	if w.Broken != DeleteFirst {
		return
	}
	s.shelf.Damage(func(base map[string]wire.Row) {
		for _, list := range answer.Lists {
			maps.DeleteFunc(base, func(id string, _ wire.Row) bool { return within(id, list.From, list.To) })
		}
	})
}
