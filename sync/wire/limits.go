package wire

// The limits of what is read from outside. The server tells them to each device (see Limits); a phone cuts its batches
// to them, so that no honest request meets one.
const (
	MaxBody      = 1 << 20  // bytes of a request, after unpacking
	MaxLine      = 4 << 20  // bytes of one line of an answer: a record with all its atoms and siblings
	MaxCards     = 32       // cards in one request: one's own and those one cares for
	MaxMutations = 1000     // mutations in one request, over all cards
	MaxAtoms     = 64       // atoms in one mutation
	MaxValue     = 64 << 10 // bytes of one atom's value
	MaxRecord    = 2 << 20  // bytes of all values of a record, siblings too, so that it fits into a line
	MaxSeen      = 64       // dots that one change may replace
	MaxDepth     = 24       // nesting, of everything
	MaxName      = 64       // bytes of a kind, a scope, an atom's name
	MaxToken     = 256      // bytes of a sealed token, a view, an epoch
	MaxRanges    = 64       // ranges in one check
	MaxChecked   = 512      // ids in one check
	MaxLeases    = 256      // leases and scopes in one line
)

// Limits is what the server tells a device about them.
type Limits struct {
	Body      int `json:"body"`
	Cards     int `json:"cards"`
	Mutations int `json:"mutations"`
	Atoms     int `json:"atoms"`
	Value     int `json:"value"`
}

// CurrentLimits are the limits of this build.
func CurrentLimits() Limits {
	return Limits{Body: MaxBody, Cards: MaxCards, Mutations: MaxMutations, Atoms: MaxAtoms, Value: MaxValue}
}
