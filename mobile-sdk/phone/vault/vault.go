package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
)

// KeySize is the length of the key.
const KeySize = 32

// What opening refuses with.
var (
	// ErrKey says that the file does not open under the key: it is another key's file, or it is damaged.
	ErrKey = errors.New("vault: the file does not open under this key")
	// ErrKeySize says that the key is not 32 bytes long.
	ErrKeySize = fmt.Errorf("vault: the key must have %d bytes", KeySize)
	// ErrNewer says that a newer version of the SDK wrote the file.
	ErrNewer = errors.New("vault: the file belongs to a newer version")
	// ErrClosed says that the vault was closed or wiped.
	ErrClosed = errors.New("vault: closed")
)

// Vault is an open file. It is safe for concurrent use.
type Vault struct {
	file  string
	words Words
	ring  *ring
	write *sql.DB // one connection: SQLite has one writer, and waiting in Go is fair
	read  *sql.DB // connections that cannot write

	writing, reading statements // of the two pools

	shed       atomic.Bool  // deleted rows may still stand in the journal
	unshredded atomic.Bool  // the keystore has yet to destroy keys
	readers    atomic.Int32 // transactions that read

	closing sync.RWMutex // held for reading by every transaction
	closed  bool
	rescued bool // when it was opened
}

// parallel is how many may read at once; more gain nothing on a phone.
const parallel = 3

// Open opens the file, or makes a new one under the key. The folder is made if it is missing. Records are found under the words; if
// those of the file are of another version, all of them wait for Card.Index. What stands here from before there were keys of scopes, or under
// keys in the file though there is a keystore now, is sealed anew. ErrKey, ErrKeySize, ErrNewer, ErrKeystore.
func Open(file string, key []byte, words Words, custody Custody) (*Vault, error) {
	return open(file, key, words, newRing(custody))
}

// open opens the file; one that is damaged is rescued first.
func open(file string, key []byte, words Words, ring *ring) (*Vault, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if len(key) != KeySize {
		return nil, ErrKeySize
	}
	if err := resume(file, key, words, ring); err != nil {
		return nil, err
	}
	rescued := false
	v, err := openSound(file, key, words, ring)
	if broken(err) || errors.Is(err, ErrDamagedFile) || errors.Is(err, ErrKey) {
		if err := rescue(file, key, words, ring); err != nil {
			return nil, err
		}
		rescued = true
		v, err = openSound(file, key, words, ring.another())
	}
	if err != nil {
		return nil, err
	}
	v.rescued = rescued
	if err := v.tidy(); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// Rescued says whether the file was found damaged when it was opened. What of it could be read is here, see Losses; the cards are to be
// fetched anew.
func (v *Vault) Rescued() bool { return v.rescued }

// openSound opens a file in which nothing is damaged as far as one can see.
func openSound(file string, key []byte, words Words, ring *ring) (*Vault, error) {
	err := prepare(file)
	if err != nil {
		return nil, fmt.Errorf("vault: make the file: %w", err)
	}
	// The key is handed over by a statement: what stands in the address can be read back by whoever has the connection.
	unlock := "PRAGMA hexkey='" + hex.EncodeToString(key) + "'"
	v := &Vault{file: file, words: words, ring: ring}
	if v.write, err = connect(file, "&_txlock=immediate", unlock, pragmas); err != nil {
		return nil, err
	}
	v.write.SetMaxOpenConns(1)
	v.writing.db = v.write
	if v.read, err = connect(file, "", unlock, pragmas+"PRAGMA query_only=on;"); err != nil {
		return nil, errors.Join(err, v.write.Close())
	}
	v.read.SetMaxOpenConns(parallel)
	v.read.SetMaxIdleConns(parallel)
	v.reading.db = v.read
	err = v.migrate(context.Background())
	if err == nil {
		err = v.check(context.Background())
	}
	if err == nil {
		err = v.outdate(context.Background())
	}
	if err == nil {
		err = v.openRing(context.Background())
	}
	if err == nil {
		err = v.reseal(context.Background())
	}
	if err != nil {
		return nil, errors.Join(refined(err), v.write.Close(), v.read.Close())
	}
	v.shed.Store(!v.rinse()) // whoever was stopped between a deletion and this has left it in the journal
	return v, nil
}

// pragmas are for every connection. page_size: the journal's frames do not lie where the encryption's blocks do, so each costs some blocks
// more; fewer and larger ones take a third off a first sync, and cost a small one nothing. temp_store: SQLite must not spill to a file
// that we do not see. secure_delete: see the package comment, and scrub.go. synchronous=full: what was saved is saved, also when the
// battery falls out.
const pragmas = `
	PRAGMA busy_timeout=10000;
	PRAGMA page_size=8192;
	PRAGMA temp_store=memory;
	PRAGMA secure_delete=on;
	PRAGMA journal_mode=wal;
	PRAGMA synchronous=full;
	PRAGMA foreign_keys=on;
`

// prepare makes the folder and the file, for nobody else to read.
func prepare(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func connect(file, options, unlock, settings string) (*sql.DB, error) {
	address := "file:" + (&url.URL{Path: filepath.ToSlash(file)}).EscapedPath() + "?vfs=" + fileSystem + options
	return driver.Open(address, func(c *sqlite3.Conn) error {
		if err := c.Exec(unlock); err != nil {
			return ErrKey // never err: it may hold the statement
		}
		if err := fts5.Register(c); err != nil {
			return err
		}
		return refined(c.Exec(settings))
	})
}

// refined names the one failure that a person can do something about: under a wrong key a database is noise.
func refined(err error) error {
	if errors.Is(err, sqlite3.NOTADB) {
		return ErrKey
	}
	return err
}

// Close ends all work and closes the file. A vault may be closed twice.
func (v *Vault) Close() error {
	v.closing.Lock()
	defer v.closing.Unlock()
	if v.closed {
		return nil
	}
	v.closed = true
	// Readers first, so that the last connection to go can fold the journal into the file and remove it.
	return errors.Join(v.read.Close(), v.write.Close())
}

// Wipe destroys the keys of scopes, closes the vault and removes its files. What the phone's memory chip still holds of them is noise without
// the key: whoever wipes also deletes the key from the keystore, best of all before.
func (v *Vault) Wipe() error {
	errs := []error{}
	if err := v.destroyAll(context.Background()); !errors.Is(err, ErrClosed) {
		errs = append(errs, err)
	}
	errs = append(errs, v.Close())
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", damagedFile, damagedFile + "-wal", tornMark} {
		errs = append(errs, remove(v.file+suffix))
	}
	return errors.Join(errs...)
}

// begin runs f in a transaction of one of the two pools.
func (v *Vault) begin(db *sql.DB, f func(*sql.Tx) error) (err error) {
	v.closing.RLock()
	defer v.closing.RUnlock()
	if v.closed {
		return ErrClosed
	}
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return v.torn(refined(err))
	}
	done := false
	defer func() {
		if !done { // f failed, or panicked
			err = v.torn(errors.Join(err, tx.Rollback()))
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	done = true
	return v.torn(tx.Commit())
}

func (v *Vault) view(f func(*sql.Tx) error) error {
	v.readers.Add(1)
	defer v.readers.Add(-1)
	return v.begin(v.read, f)
}

func (v *Vault) update(f func(*sql.Tx) error) error {
	if err := v.begin(v.write, f); err != nil {
		return err
	}
	if v.shed.Swap(false) && !v.rinse() {
		v.shed.Store(true)
	}
	return nil
}

// rinse empties the journal, which still holds pages as they were before something was deleted. While somebody reads it
// cannot; the next change tries again.
func (v *Vault) rinse() (done bool) {
	v.closing.RLock()
	defer v.closing.RUnlock()
	if v.closed {
		return false
	}
	var busy, log, moved int
	err := v.write.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved)
	return err == nil && busy == 0
}
