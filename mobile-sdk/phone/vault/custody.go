package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/medcard/medcard/sync/replica"
)

// Custody says where the data keys stand under which the vault seals what it holds of a scope.
type Custody struct {
	Keys   ScopeKeys // the app's keystore; nil = the keys stand in the vault's file
	Random io.Reader // nil = crypto/rand
}

// ScopeKeys is the part of the phone's keystore in which the data keys stand, each by a name that says nothing of its card. A key must be as
// hard to get back once it was destroyed as the keystore can make it: that is all that keeps a memory chip's old pages from being read.
// The methods are called while the file is locked, so they must not use the vault.
type ScopeKeys interface {
	// Load gives a key, nil if there is none of the name. An error says that the keystore does not answer: the key may be there.
	Load(name string) (key []byte, err error)
	// Create makes a random key of 32 bytes, in place of one that has the name. It has to survive a crash once Create returned.
	Create(name string) (key []byte, err error)
	// Destroy makes a key unreadable for ever. There is no error if there is none of the name.
	Destroy(name string) error
}

// ErrKeystore says that the app's keystore does not do what is asked of it, or was not handed over to a file that needs it.
var ErrKeystore = errors.New("vault: the keystore does not answer")

// rowKey is the key of a scope. Its cipher is nil if the keystore has lost it.
type rowKey struct {
	card, scope string
	cipher      cipher.AEAD
	here        bool // in the file
}

// ring holds the keys of an open vault, those of rows by their number and those of edits by their name.
type ring struct {
	store  ScopeKeys
	random io.Reader
	make   func(key []byte) (cipher.AEAD, error)

	mu    sync.RWMutex
	rows  map[uint32]rowKey
	edits map[string]cipher.AEAD
	skips int // names of the prefix that were given to transactions of which nobody knows whether they are durable
	// What was destroyed is forgotten once nobody reads any more who began before.
	pastRows  []uint32
	pastEdits []string
}

func newRing(c Custody) *ring {
	r := &ring{store: c.Keys, random: c.Random, make: newCipher, rows: map[uint32]rowKey{}, edits: map[string]cipher.AEAD{}}
	if r.random == nil {
		r.random = rand.Reader
	}
	return r
}

// newCipher draws the nonces itself: of a random source that an app hands in they could come twice.
func newCipher(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (r *ring) row(id uint32) rowKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.rows[id]
}

func (r *ring) edit(name string) cipher.AEAD {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.edits[name]
}

func (r *ring) addRow(id uint32, k rowKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[id] = k
}

func (r *ring) addEdit(name string, c cipher.AEAD) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.edits[name] = c
}

// takeBack forgets keys of a transaction that never was: nobody has seen them.
func (r *ring) takeBack(rows []uint32, edits []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range rows {
		delete(r.rows, id)
	}
	for _, name := range edits {
		delete(r.edits, name)
	}
}

func (r *ring) skipped() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.skips
}

func (r *ring) skip(names int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skips += names
}

// retire forgets keys as soon as nobody reads; idle says that nobody does.
func (r *ring) retire(rows []uint32, edits []string, idle bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pastRows, r.pastEdits = append(r.pastRows, rows...), append(r.pastEdits, edits...)
	if !idle {
		return
	}
	for _, id := range r.pastRows {
		delete(r.rows, id)
	}
	for _, name := range r.pastEdits {
		delete(r.edits, name)
	}
	r.pastRows, r.pastEdits = nil, nil
}

// draw gives random bytes in hex, for names.
func (r *ring) draw() (string, error) {
	b := make([]byte, 16)
	_, err := io.ReadFull(r.random, b)
	return hex.EncodeToString(b), err
}

// create makes a key, in the keystore under the name if there is one.
func (r *ring) create(name string) (key []byte, err error) {
	if r.store == nil {
		key = make([]byte, KeySize)
		_, err = io.ReadFull(r.random, key)
		return key, err
	}
	if key, err = r.store.Create(name); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeystore, err)
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("%w: a key has %d bytes", ErrKeystore, len(key))
	}
	return key, nil
}

// load makes the cipher of a key in the keystore; nil if it is lost.
func (r *ring) load(name string) (cipher.AEAD, error) {
	if r.store == nil {
		return nil, fmt.Errorf("%w: the file's keys stand in one that was not handed over", ErrKeystore)
	}
	key, err := r.store.Load(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeystore, err)
	}
	if len(key) != KeySize {
		return nil, nil
	}
	return r.make(key)
}

// member is the name of the i-th key that one transaction makes. The prefix is durable in the file before, and another one afterwards: so whoever was
// stopped in between finds keys that no row names.
func member(prefix string, i int) string { return prefix + "." + strconv.Itoa(i) }

// strayed is the condition that damage took a key's row.
const strayed = "name NOT IN (SELECT name FROM seal)"

// openRing loads all keys that the file names, and makes good for what an app that was stopped could not do.
func (v *Vault) openRing(ctx context.Context) error {
	if err := v.loadKeys(ctx); err != nil {
		return err
	}
	if v.ring.store == nil {
		return nil
	}
	var prefix string
	var stray int
	err := v.view(func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT prefix, (SELECT count(*) FROM held WHERE "+strayed+") FROM sealing").Scan(&prefix, &stray)
	})
	if err == nil && stray > 0 {
		err = v.update(func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO shred (name) SELECT name FROM held WHERE "+strayed+"; DELETE FROM held WHERE "+strayed)
			return err
		})
	}
	if err != nil {
		return err
	}
	if prefix == "" {
		if prefix, err = v.ring.draw(); err != nil {
			return err
		}
		if err := v.update(func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE sealing SET prefix = ?", prefix)
			return err
		}); err != nil {
			return err
		}
	}
	if err := v.ring.sweep(prefix); err != nil {
		return err
	}
	v.shred()
	return nil
}

// sweep destroys the keys that a transaction made which never was. The last goes first, so that a sweep that is stopped is not the last.
func (r *ring) sweep(prefix string) error {
	n := 0
	for ; ; n++ {
		key, err := r.store.Load(member(prefix, n))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrKeystore, err)
		}
		if len(key) == 0 {
			break
		}
	}
	for n--; n >= 0; n-- {
		if err := r.store.Destroy(member(prefix, n)); err != nil {
			return fmt.Errorf("%w: %w", ErrKeystore, err)
		}
	}
	return nil
}

// loadKeys reads the keys that stand in the file and asks the keystore for the others.
func (v *Vault) loadKeys(ctx context.Context) error {
	return v.view(func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT id, card, scope, name, key FROM seal UNION ALL SELECT 0, card, '', name, x'' FROM edit_key")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id uint32
			var k rowKey
			var name string
			var key []byte
			if err := rows.Scan(&id, &k.card, &k.scope, &name, &key); err != nil {
				return err
			}
			k.here = name == ""
			switch {
			case k.here && (len(key) != 1+KeySize || key[0] != keyForm): // damaged: it is lost
			case k.here:
				k.cipher, err = v.ring.make(key[1:])
				clear(key)
			default:
				k.cipher, err = v.ring.load(name)
			}
			switch {
			case err != nil:
				return err
			case id != 0:
				v.ring.addRow(id, k)
			case k.cipher != nil:
				v.ring.addEdit(name, k.cipher)
			}
		}
		return rows.Err()
	})
}

// LostScopes are those of the card whose key the keystore does not have any more: what stands in them is to be fetched anew.
func (c *Card) LostScopes() (lost replica.Scopes) {
	c.vault.ring.mu.RLock()
	defer c.vault.ring.mu.RUnlock()
	for _, k := range c.vault.ring.rows {
		if k.card == c.id && k.cipher == nil {
			lost = append(lost, k.scope)
		}
	}
	return lost
}

// shred destroys the keys in the keystore whose rows are gone for good. What fails is tried again after the next change.
func (v *Vault) shred() {
	ctx := context.Background()
	v.unshredded.Store(false)
	names, err := v.toShred(ctx)
	var done []string
	for _, name := range names {
		if v.ring.store.Destroy(name) == nil {
			done = append(done, name)
		}
	}
	if len(done) > 0 && err == nil {
		err = v.begin(v.write, func(tx *sql.Tx) error {
			for _, name := range done {
				if _, err := tx.ExecContext(ctx, "DELETE FROM shred WHERE name = ?", name); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil || len(done) < len(names) {
		v.unshredded.Store(true)
	}
}

func (v *Vault) toShred(ctx context.Context) ([]string, error) {
	return v.names(ctx, "SELECT name FROM shred")
}

func (v *Vault) names(ctx context.Context, query string) (names []string, err error) {
	err = v.view(func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		return rows.Err()
	})
	return names, err
}

// destroyAll destroys every key that the file names.
func (v *Vault) destroyAll(ctx context.Context) error {
	if v.ring.store == nil {
		return nil
	}
	names, err := v.names(ctx, "SELECT name FROM seal WHERE name <> '' UNION SELECT name FROM edit_key UNION SELECT name FROM shred UNION SELECT name FROM held")
	errs := []error{err}
	for _, name := range names {
		errs = append(errs, v.ring.store.Destroy(name))
	}
	var aside []string
	if _, err := v.Load(settingAside, &aside); err == nil {
		for _, name := range aside {
			errs = append(errs, v.ring.store.Destroy(name))
		}
	}
	if prefixes, err := v.names(ctx, "SELECT prefix FROM sealing"); err == nil {
		for _, prefix := range prefixes {
			errs = append(errs, v.ring.sweep(prefix))
		}
	}
	return errors.Join(errs...)
}
