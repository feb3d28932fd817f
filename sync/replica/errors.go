package replica

import "errors"

// What the server's side refuses a whole request with. Each has a wire.Problem code; nothing was changed.
var (
	// ErrForked says that an (actor, n) arrived with another payload than before, or with one that the device has long
	// acknowledged: two installations write under one actor.
	ErrForked = errors.New("replica: actor forked")
	// ErrActor says that the actor is not this device's, or is retired.
	ErrActor = errors.New("replica: actor unknown")
	// ErrHole says that mutations before the first of the batch never arrived, or that the batch itself has a gap.
	ErrHole = errors.New("replica: hole in the mutations")
	// ErrEpoch says that the request belongs to the time before the server was restored.
	ErrEpoch = errors.New("replica: epoch changed")
	// ErrToken says that a token is none of this device's and card's, or of another epoch.
	ErrToken = errors.New("replica: token not valid here")
	// ErrTooLarge says that a record would not fit into a line of an answer any more.
	ErrTooLarge = errors.New("replica: record too large")
)

// What the phone's side returns.
var (
	// ErrBusy says that an exchange with the server is under way for this card: one at a time.
	ErrBusy = errors.New("replica: an exchange is under way")
	// ErrOutdated says that the record was edited on this very device after the editor was opened: open it anew.
	ErrOutdated = errors.New("replica: edited here since the editor was opened")
	// ErrUnknown says that there is no such record on this device.
	ErrUnknown = errors.New("replica: no such record")
	// ErrNotEnrolled says that the phone has no actor for this card, or must get a fresh one, before it can exchange.
	ErrNotEnrolled = errors.New("replica: not enrolled")
	// ErrBehind says that the base is not at the end of a complete answer, or the server has news: sync, then go on.
	ErrBehind = errors.New("replica: not in step")
	// ErrProtocol says that an answer breaks the order of lines.
	ErrProtocol = errors.New("replica: answer out of order")
	// ErrGone says that this device has no access to the card any more.
	ErrGone = errors.New("replica: card gone")
	// ErrHeld says that the card's owner has to confirm first that this person may still see it: the server was restored.
	ErrHeld = errors.New("replica: card held until its owner confirms")
	// ErrForgotten says that the server, restored from a backup, does not know any more that the card is this person's. It stays.
	ErrForgotten = errors.New("replica: card forgotten by a restored server")
)

// Behind says whether a push failed because phone and server are not at the same place (ErrEpoch, ErrHole). That is no
// reason not to pull: the pages tell the phone where it stands, and it sends again what the server lacks.
func Behind(err error) bool { return errors.Is(err, ErrEpoch) || errors.Is(err, ErrHole) }
