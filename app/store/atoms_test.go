package store

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
)

var someAtoms = map[string][]replica.Version{
	"text": {
		{Dot: vclock.Dot{Actor: 3, N: 1}, Seq: 70_000, HLC: 1 << 60, Value: json.RawMessage(`"less < than & more"`)},
		{Dot: vclock.Dot{Actor: 4_000_000_000, N: vclock.MaxN}, Seq: 2, Value: json.RawMessage(`null`)},
	},
	"about": {{Dot: vclock.Dot{N: 9}, Seq: 1, Value: json.RawMessage(`{"Record":"x"}`)}},
	"empty": {},
}

func TestAtomsComeBackAsTheyWere(t *testing.T) {
	for name, atoms := range map[string]map[string][]replica.Version{"some": someAtoms, "none": {}} {
		back, err := readAtoms(appendAtoms(nil, atoms))
		if err != nil || !reflect.DeepEqual(back, atoms) {
			t.Errorf("%s: %v %v", name, back, err)
		}
	}
}

func TestAtomsCutOrWrongAreRefused(t *testing.T) {
	whole := appendAtoms(nil, someAtoms)
	for cut := range whole {
		if _, err := readAtoms(whole[:cut]); err == nil {
			t.Errorf("%d of %d bytes were read", cut, len(whole))
		}
	}
	if _, err := readAtoms(append(whole, 0)); err == nil {
		t.Error("a byte too many was read")
	}
	if _, err := readAtoms([]byte(`{"text":[]}`)); err == nil {
		t.Error("another form was read")
	}
}

func FuzzReadAtoms(f *testing.F) {
	f.Add(appendAtoms(nil, someAtoms))
	f.Add([]byte{atomsForm, 1, 1, 'a', 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		atoms, err := readAtoms(b)
		if err != nil {
			return
		}
		if again, err := readAtoms(appendAtoms(nil, atoms)); err != nil || !reflect.DeepEqual(atoms, again) {
			t.Errorf("read, but not read again: %v", err)
		}
	})
}
