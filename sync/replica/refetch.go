package replica

import "slices"

// Refetch gives up what stands in scopes that this phone cannot read any more, because their key is lost, and has the next sync build the
// base anew. Unlike Lapse it takes no edits: their text is not lost, and nothing says that the access is.
func (p *Phone) Refetch(lost Scopes) error {
	if len(lost) == 0 {
		return nil
	}
	return p.store.Update(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		all, err := tx.Scopes()
		if err != nil {
			return err
		}
		keep := slices.DeleteFunc(all, func(scope string) bool { return slices.Contains(lost, scope) })
		for _, scope := range lost {
			if !slices.Contains(meta.Lapsed, scope) {
				meta.Lapsed = append(meta.Lapsed, scope)
			}
		}
		return anew(tx, meta, keep)
	})
}
