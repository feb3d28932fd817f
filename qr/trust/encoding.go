package trust

import (
	"errors"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// What can be wrong with a key set or a status list.
var (
	ErrFormat   = errors.New("trust: not well-formed")
	ErrRoot     = errors.New("trust: not signed by a root that is pinned here")
	ErrRollback = errors.New("trust: older than what is held already")
	ErrKey      = errors.New("trust: not signed by a status key in force")
)

const (
	maxKeys    = 10_000
	maxLists   = 1 << 16
	maxKeySet  = 4 << 20
	maxStatus  = 256 << 10
	latestTime = 1 << 40
)

var encoding = must(cbor.CoreDetEncOptions().EncMode())

var strict = must(cbor.DecOptions{
	DupMapKey:         cbor.DupMapKeyEnforcedAPF,
	IndefLength:       cbor.IndefLengthForbidden,
	TagsMd:            cbor.TagsForbidden,
	ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	MaxNestedLevels:   4,
	MaxArrayElements:  maxLists,
	MaxMapPairs:       16,
}.DecMode())

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}

func seconds(t time.Time) uint64 { return uint64(max(0, t.Unix())) }

func moment(s uint64) time.Time { return time.Unix(int64(min(s, latestTime)), 0).UTC() }
