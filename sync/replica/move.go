package replica

import "github.com/medcard/medcard/sync/vclock"

// Move puts a record into another scope as the server, with all that stands in it: whoever sees the one scope only is told that it is
// gone, whoever sees the other only is sent it whole. moved is false where there is no such record, or it is there already.
func (s Server) Move(l Ledger, id string, to func(scope string) string) (moved bool, err error) {
	head, records, err := lockAll(l, 1, func(int) string { return id })
	if err != nil {
		return false, err
	}
	rec, exists := records[id]
	if !exists || rec.Deleted || to(rec.Scope) == rec.Scope {
		return false, nil
	}
	seq := head.Seq + 1
	rec = rec.clone()
	rec.restamp(seq)
	rec.Scope, rec.Seq = to(rec.Scope), seq
	rec.VV = rec.VV.With(rec.VV.Next(vclock.Server))
	records[id] = rec
	return true, saveAll(l, head, seq, records, []string{id})
}
