package vault

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// salvage is what can be read of a damaged file and cannot be fetched from the server: settings, the place with each card, edits, files that
// were attached here, and what the person has yet to be told. A row is known by its shape, whatever page it was found on, and is taken
// only if what it holds can be read.
type salvage struct {
	ring     *ring
	settings map[string][]byte
	places   map[string]replica.Meta
	edits    map[string]map[string]replica.Item // by card and stamp
	found    []foundEdit                        // on pages whose list of cells is damaged
	known    map[string]map[string]bool         // edits that an index names, by card and stamp; true: that the server has one is certain
	losses   []Loss
	keys     map[string]bool // names of keys of rows in the keystore
	editKeys map[string]bool // of edits
	ciphers  map[string]cipher.AEAD
	files    map[int64]Attachment // those that were attached here, by their number
	owners   map[int64]string     // their cards
	pieces   map[int64]map[int64][]byte
	failed   error // the keystore does not answer
}

func (w *wreck) salvage(r *ring) (*salvage, error) {
	s := &salvage{
		ring: r, settings: map[string][]byte{}, places: map[string]replica.Meta{}, edits: map[string]map[string]replica.Item{}, known: map[string]map[string]bool{},
		keys: map[string]bool{}, editKeys: map[string]bool{}, ciphers: map[string]cipher.AEAD{}, files: map[int64]Attachment{}, owners: map[int64]string{},
	}
	w.each(s.take, s.find)
	s.addFound()
	if len(s.files) > 0 { // their bytes are many: only now is it known which are wanted
		s.pieces = map[int64]map[int64][]byte{}
		w.each(s.takePiece, nil)
	}
	return s, s.failed
}

var (
	stampForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
	nameForm  = regexp.MustCompile(`^[0-9a-f]{32}\.[0-9]{1,6}$`)
	hashForm  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// text, number and blob read a value of a row that may have another shape.
func text(c cell, i int) string {
	s, _ := c.values[i].(string)
	return s
}

func number(c cell, i int) (n int64, ok bool) {
	n, ok = c.values[i].(int64)
	return n, ok
}

func blob(c cell, i int) []byte {
	b, _ := c.values[i].([]byte)
	return b
}

func (s *salvage) take(kind byte, c cell) {
	switch n := len(c.values); {
	case kind == tableLeaf && n >= 8 && n <= 10 && stampForm.MatchString(text(c, 5)):
		s.takeEdit(c)
	case kind == tableLeaf && n == 12 && hashForm.MatchString(text(c, 2)):
		s.takeFile(c)
	case kind == tableLeaf && n == 4:
		s.takeLoss(c)
	case kind == tableLeaf && n >= 5 && n <= 7 && c.values[0] == nil && nameForm.MatchString(text(c, 4)):
		s.keys[text(c, 4)] = true
	case kind != tableLeaf && n == 2 && nameForm.MatchString(text(c, 1)):
		s.editKeys[text(c, 1)] = true
	case kind != tableLeaf && n == 1 && nameForm.MatchString(text(c, 0)):
		s.keys[text(c, 0)] = true
	case kind != tableLeaf && n == 2 && text(c, 0) != "" && json.Valid(blob(c, 1)):
		s.takeNamed(text(c, 0), bytes.Clone(blob(c, 1)))
	case kind != tableLeaf && n == 4 && stampForm.MatchString(text(c, 2)):
		if _, ok := number(c, 3); ok {
			s.takeIndex(text(c, 0), text(c, 1), text(c, 2))
		}
	}
}

// takeNamed takes a setting, or the place with a card. They have one shape, but a place has members that no setting has.
func (s *salvage) takeNamed(name string, value []byte) {
	var place struct {
		Shadowing *bool `json:"shadowing"`
		Cursor    *string
		Next      *uint64
	}
	var meta metaShape
	if json.Unmarshal(value, &place) == nil && place.Shadowing != nil && place.Cursor != nil && place.Next != nil && json.Unmarshal(value, &meta) == nil {
		s.places[name] = replica.Meta(meta)
		return
	}
	s.settings[name] = value
}

func (s *salvage) takeIndex(card, what, stamp string) {
	if s.known[card] == nil {
		s.known[card] = map[string]bool{}
	}
	state := replica.ItemState(what)
	s.known[card][stamp] = s.known[card][stamp] || state == replica.Settled || state == replica.Answered
}

var itemStates = []replica.ItemState{replica.Waiting, replica.Answered, replica.Settled, replica.Rejected}

// foundEdit is an edit that was found where no list of cells says that there is one.
type foundEdit struct {
	card, stamp string
	item        replica.Item
}

func (s *salvage) find(c cell) {
	if n := len(c.values); n < 8 || n > 10 || !stampForm.MatchString(text(c, 5)) {
		return
	}
	if item, ok := s.readEdit(c); ok {
		s.found = append(s.found, foundEdit{text(c, 0), text(c, 5), item})
	}
}

// addFound takes those of them that an index names: nobody who made a file for this person to look at knows the stamp of an edit.
func (s *salvage) addFound() {
	for _, f := range s.found {
		_, named := s.known[f.card][f.stamp]
		if _, have := s.edits[f.card][f.stamp]; named && !have {
			s.add(f.card, f.stamp, f.item)
		}
	}
}

func (s *salvage) add(card, stamp string, item replica.Item) {
	if s.edits[card] == nil {
		s.edits[card] = map[string]replica.Item{}
	}
	s.edits[card][stamp] = item
}

func (s *salvage) takeEdit(c cell) {
	if item, ok := s.readEdit(c); ok {
		s.add(text(c, 0), text(c, 5), item)
	}
}

func (s *salvage) readEdit(c cell) (item replica.Item, ok bool) {
	card, record, state := text(c, 0), text(c, 3), replica.ItemState(text(c, 4))
	actor, ok1 := number(c, 1)
	n, ok2 := number(c, 2)
	settled, ok3 := number(c, 6)
	if !ok1 || !ok2 || !ok3 || card == "" || actor < 0 || actor > 1<<32-1 || n < 0 || !slices.Contains(itemStates, state) {
		return item, false
	}
	t := &Tx{card: card, sealing: sealing{ring: s.ring}}
	stored := blob(c, 7)
	s.fetchKey(stored)
	shape, err := t.readEdit(record, uint32(actor), uint64(n), stored)
	if err != nil || shape.Mutation.HLC.String() != text(c, 5) {
		return item, false
	}
	item = replica.Item{Actor: shape.Actor, Mutation: shape.Mutation, Gen: shape.Gen, State: state, Saved: shape.Saved}
	if settled != never {
		item.Settled = time.UnixMicro(settled).UTC()
	}
	if len(c.values) == 10 {
		item.Outcome, item.Code = wire.Outcome(text(c, 8)), text(c, 9)
	}
	return item, true
}

// fetchKey gets the key of a sealed edit from the keystore.
func (s *salvage) fetchKey(stored []byte) {
	name, _ := splitEdit(stored)
	if !nameForm.MatchString(name) || s.ring.edit(name) != nil {
		return
	}
	key, err := s.ring.load(name)
	switch {
	case err != nil:
		s.failed = err
	case key != nil:
		s.editKeys[name] = true
		s.ring.addEdit(name, key)
	}
}

func (s *salvage) takeLoss(c cell) {
	at, ok1 := number(c, 1)
	edits, ok2 := number(c, 2)
	why := replica.LossReason(text(c, 3))
	if ok1 && ok2 && text(c, 0) != "" && (why == replica.LostAccess || why == replica.LostLease || why == replica.LostDamage) {
		s.losses = append(s.losses, Loss{Card: text(c, 0), Loss: replica.Loss{At: time.UnixMicro(at).UTC(), Edits: int(edits), Why: why}})
	}
}

func (s *salvage) takeFile(c cell) {
	size, _ := number(c, 3)
	whole, _ := number(c, 5)
	own, _ := number(c, 6)
	if own == 1 && whole == 1 && size > 0 && text(c, 1) != "" {
		s.files[c.rowid] = Attachment{Hash: text(c, 2), Size: size}
		s.owners[c.rowid] = text(c, 1)
	}
}

func (s *salvage) takePiece(kind byte, c cell) {
	if kind != tableLeaf || len(c.values) != 3 {
		return
	}
	file, ok1 := number(c, 0)
	at, ok2 := number(c, 1)
	content := blob(c, 2)
	if _, wanted := s.files[file]; !ok1 || !ok2 || !wanted || len(content) == 0 || len(content) > piece {
		return
	}
	if s.pieces[file] == nil {
		s.pieces[file] = map[int64][]byte{}
	}
	s.pieces[file][at] = bytes.Clone(content)
}

// content puts a file's pieces together; nil unless it is what its hash says.
func (s *salvage) content(file int64) []byte {
	a := s.files[file]
	var all []byte
	for int64(len(all)) < a.Size {
		next := s.pieces[file][int64(len(all))]
		if len(next) == 0 {
			return nil
		}
		all = append(all, next...)
	}
	if sum := sha256.Sum256(all); hex.EncodeToString(sum[:]) != a.Hash {
		return nil
	}
	return all
}

// unread counts the edits of each card that an index names and that could not be read, but those of which the server certainly has one.
func (s *salvage) unread() map[string]int {
	counts := map[string]int{}
	for card, stamps := range s.known {
		for stamp, sent := range stamps {
			if _, found := s.edits[card][stamp]; !found && !sent {
				counts[card]++
			}
		}
	}
	return counts
}
