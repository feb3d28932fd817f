package identity

import "time"

// Client is an organisation whose system talks to Medcard: the OAuth client is the organisation, not a person in it.
type Client struct {
	ID     ClientID
	Kind   ActorKind
	Name   string   // shown to patients in "who saw my card"
	OGRN   OGRN     // in the state register, as the operator saw it; "" = not told
	Scopes []string // what its tokens may carry at most
	Keys   []byte   // public keys, a JWK set
	// Policies are what the numbers of an insurer's policies begin with: their region, or more digits where several insurers share one.
	Policies []string
	Added    time.Time
	Revoked  time.Time // zero = not revoked
}
