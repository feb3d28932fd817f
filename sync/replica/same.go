package replica

// Same says whether a device that is calm has everything that it may see, so that a page of Pull would be empty. It reads the card's head, the
// actor and what Sight.Newest reads, and no record.
func (s Server) Same(l Ledger, in Pull) (bool, error) {
	ask := in.Ask
	if !ask.Calm || len(in.Results) > 0 || ask.Cursor == "" || ask.At != ask.Cursor || ask.Part != "" || ask.View != in.Sight.View() {
		return false, nil
	}
	head, err := l.Head()
	if err != nil || ask.Epoch != head.Epoch {
		return false, err
	}
	if actor, err := liveActor(l, ask.Actor, in.Device); err != nil || actor.LMID != ask.Acked { // a clone of it has written, say
		return false, nil //nolint:nilerr // the page says what is wrong
	}
	at, err := in.Seal.Open(ask.Cursor)
	if err != nil {
		return false, nil //nolint:nilerr // such a token is answered with a resync
	}
	newest, err := in.Sight.Newest(l)
	return err == nil && newest <= at && at <= head.Seq, err
}

// Calm lets the server say that nothing is new, if nothing waits on this phone either: no edit, no page of an answer, no new base, no doubt
// about this one. It tells whether that is so.
func (x *Exchange) Calm() bool {
	ask := &x.ask
	ask.Calm = !x.waits && !x.meta.Shadowing && !x.meta.Doubt && ask.Cursor != "" && ask.At == ask.Cursor && ask.Part == "" && ask.View != ""
	return ask.Calm
}

// Same says whether the server had no news.
func (x *Exchange) Same() bool { return x.same }

// nothingNew takes in that answer.
func (x *Exchange) nothingNew() error {
	if !x.ask.Calm || x.page != nil {
		return ErrProtocol
	}
	x.done, x.same = true, true
	return nil
}
