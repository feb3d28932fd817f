package replica

// prune takes the entries of retired actors out of the clocks of settled records. Each installation on each new phone is another
// actor, and clocks would only ever grow.
//
// What has to be so for it to change no verdict:
//
//   - Only a retired actor's entry goes. Dots are counted per record and actor, so the count of one who may write again would begin
//     anew, and two writes would have one name. A retired actor never writes again.
//   - Only of records that stand unchanged since a commit that every live device has left behind: whoever can still send an edit
//     opened his editor on all that the entry stands for. Of a deleted record it may be the deletion itself, and who had not seen
//     that must bring the record back; up to that commit there are no deleted records but stones, which nobody brings back.
//   - Versions keep their dots: they name what stands there. A phone counts what stands in a record as seen, whether the clock says
//     so or not (see Rebase).
//
// It is a commit like any other: the record gets a new place in the order and travels, as a row without atoms, so that all copies
// have one clock.
func (s Server) prune(l Ledger, head Head, actors []Actor, out *Collected) error {
	for _, a := range actors {
		if a.State != Retired {
			continue
		}
		room := s.collectRows() - out.Emptied - out.Pruned
		if room <= 0 {
			out.More = true
			return nil
		}
		records, err := l.Written(a.Ordinal, head.GC, room)
		if err != nil {
			return err
		}
		if err := pruneAll(l, &head, records, actors); err != nil {
			return err
		}
		out.Pruned += len(records)
		out.More = out.More || len(records) == room
		left, err := l.Written(a.Ordinal, head.Seq, 1)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			a.State = Forgotten
			if err := l.SaveActor(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// pruneAll takes the entries of all retired actors out of the records' clocks. Stones keep their place: they travel to nobody.
func pruneAll(l Ledger, head *Head, records []Record, actors []Actor) error {
	if len(records) == 0 {
		return nil
	}
	for i := range records {
		rec := &records[i]
		for _, a := range actors {
			if a.State == Retired {
				rec.VV = rec.VV.Without(a.Ordinal)
			}
		}
		if !rec.Collected {
			head.Seq++
			rec.Seq = head.Seq
		}
	}
	if err := l.Advance(head.Seq); err != nil {
		return err
	}
	return l.Replace(records)
}
