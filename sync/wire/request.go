package wire

import "time"

// DevicesRequest introduces an installation, or asks for actors on further cards.
type DevicesRequest struct {
	Device string       `json:"device,omitempty"` // empty: give me one
	Key    string       `json:"key,omitempty"`    // public key of the installation
	Cards  []DeviceCard `json:"cards"`
}

// DeviceCard asks for the device's actor on one card.
type DeviceCard struct {
	Card string `json:"card"`
	// Fresh asks for a new actor in place of the present one: after actor_forked, or when the phone was restored.
	Fresh bool `json:"fresh,omitempty"`
}

// DevicesResponse answers it.
type DevicesResponse struct {
	Device     string      `json:"device"`
	ServerTime time.Time   `json:"serverTime"`
	Cards      []Enrolment `json:"cards"`
	Limits     Limits      `json:"limits"`
	Gone       []Gone      `json:"gone,omitempty"`  // cards that were asked for and that the person may not see
	Later      []Problem   `json:"later,omitempty"` // cards on which the device can have no actor just now
}

// Enrolment is the place of a device on one card.
type Enrolment struct {
	Card   string  `json:"card"`
	Epoch  string  `json:"epoch"`
	Actor  uint32  `json:"actor"`
	LMID   uint64  `json:"lmid"` // the last mutation of this actor that the server has processed
	Leases []Lease `json:"leases,omitempty"`
	Own    bool    `json:"own,omitempty"` // the card is the person's own
}

// Lease says until when the phone may show a scope without having spoken to the server. Of scopes whose label is sensitive
// Sensitive says it, which is sooner; zero = Until.
type Lease struct {
	Scope     string    `json:"scope"`
	Until     time.Time `json:"until"`
	Sensitive time.Time `json:"sensitive,omitzero"`
}

// HeadResponse says where the cards stand, without a row. Its ETag changes exactly when something visible does.
type HeadResponse struct {
	Cards []Head   `json:"cards"`
	Other []string `json:"other,omitempty"` // cards that the person may see and the request does not name
}

// Head is where one card stands.
type Head struct {
	Card   string  `json:"card"`
	Epoch  string  `json:"epoch"`
	View   string  `json:"view"`
	Tag    string  `json:"tag"`
	Leases []Lease `json:"leases,omitempty"`
}

// PullRequest asks for what is new on some cards.
type PullRequest struct {
	Device   string     `json:"device"`
	Cards    []PullCard `json:"cards"`
	MaxBytes int        `json:"maxBytes,omitempty"`
}

// PullCard is where the device stands with one card. All of it is what the last end (or card line) said.
type PullCard struct {
	Card   string `json:"card"`
	Actor  uint32 `json:"actor"`
	Epoch  string `json:"epoch,omitempty"`
	Cursor string `json:"cursor,omitempty"` // empty: from the beginning
	// At is the cursor at the end of the last answer that was complete. Between pages the two differ, and only At stands for
	// a whole state of the card: rows travel as what changed since it, and editors build on it.
	At    string `json:"at,omitempty"`
	Part  string `json:"part,omitempty"`
	View  string `json:"view,omitempty"`
	Acked uint64 `json:"acked,omitempty"` // results up to this n are durable on the device
	Low   string `json:"low,omitempty"`   // the oldest token that the device may still use: its cursor or an At in its outbox
	// Calm says that nothing waits on the device and that its leases are young: without news the answer for this card is "same", and
	// 204 where it is so for all cards of the request.
	Calm bool `json:"calm,omitempty"`
}

// SyncRequest is push and pull in one round trip.
type SyncRequest struct {
	Device   string     `json:"device"`
	Cards    []SyncCard `json:"cards"`
	MaxBytes int        `json:"maxBytes,omitempty"`
}

// SyncCard is one card's part of it.
type SyncCard struct {
	PullCard
	Mutations []Mutation `json:"mutations,omitempty"`
}

// PushRequest sends the edits of one card only.
type PushRequest struct {
	Device    string     `json:"device"`
	Card      string     `json:"card"`
	Epoch     string     `json:"epoch"`
	Actor     uint32     `json:"actor"`
	Acked     uint64     `json:"acked,omitempty"`
	Mutations []Mutation `json:"mutations,omitempty"`
}

// PushResponse answers it: LMID is the last mutation of the actor that the server has processed.
type PushResponse struct {
	LMID    uint64   `json:"lmid"`
	Results []Result `json:"results"`
}
