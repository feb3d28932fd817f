package identity

// AccountID names a person's sign-in account. ClientID names an OAuth client, that is an organisation. DeviceID names one
// installation of an app. SessionID names one sign-in. All are UUIDs in canonical text form.
type (
	AccountID string
	ClientID  string
	DeviceID  string
	SessionID string
)

// ActorKind says as what someone comes.
type ActorKind uint8

// The kinds of actors. Nobody is the zero value, so an actor that was forgotten may do nothing.
const (
	Nobody   ActorKind = iota
	Patient            // a person signed in to an account
	Clinic             // an organisation that treats
	Pharmacy           // an organisation that dispenses
	Operator           // someone with a shell on the server
	System             // Medcard itself: jobs and timers
)

func (k ActorKind) String() string {
	switch k {
	case Patient:
		return "patient"
	case Clinic:
		return "clinic"
	case Pharmacy:
		return "pharmacy"
	case Operator:
		return "operator"
	case System:
		return "system"
	}
	return "nobody"
}

// Person is the human behind an organisation's request, as the organisation signed it (the `actor` claim of RFC 8693,
// section 4.1, in its client assertion).
type Person struct {
	ID   string // the organisation's own stable id of its employee
	Name string // as shown to the patient in "who saw my card"
	Role string // the position, free text of the organisation
}

// Actor is who makes a request. Of an organisation's request the client is the organisation and Person the human; both
// stand in the audit.
type Actor struct {
	Kind         ActorKind
	Account      AccountID // Patient
	Device       DeviceID  // Patient
	Session      SessionID // Patient
	SecondFactor bool      // Patient: the session was opened with a second factor
	Client       ClientID  // Clinic, Pharmacy
	Organisation string    // Clinic, Pharmacy: the client's display name
	Person       Person    // Clinic, Pharmacy
	Scopes       []string  // Clinic, Pharmacy: granted OAuth scopes
}

// Has reports whether the actor's token carries the OAuth scope.
func (a Actor) Has(scope string) bool {
	for _, s := range a.Scopes {
		if s == scope {
			return true
		}
	}
	return false
}
