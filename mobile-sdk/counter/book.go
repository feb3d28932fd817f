package counter

import (
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
)

// The book of receipts: one file for each until the server has it, and chain.json for those that it has. A receipt is in its file,
// and on the disk, before the medicine leaves the counter. A crash leaves at most one torn file, the last: its hand-out never happened.

const (
	chainFile     = "chain.json"
	receiptPrefix = "receipt-"
	receiptSuffix = ".txt"
)

func receiptFile(number uint64) string {
	return fmt.Sprintf("%s%020d%s", receiptPrefix, number, receiptSuffix)
}

// chain is how far the server has the receipts.
type chain struct {
	Number uint64    `json:"number"`
	Head   string    `json:"head"` // hash of that one, hexadecimal
	At     time.Time `json:"at"`   // when it was handed out
}

// kept is a receipt that the server has not confirmed.
type kept struct {
	prescription.Receipt
	text    string
	account account // of its prescription, after it
}

// book is guarded by its own lock, which is taken before the Counter's.
type book struct {
	mu        sync.Mutex
	uploading sync.Mutex // taken before mu
	dir       string
	key       *qr.SigningKey // nil = not enrolled
	number    uint64         // of the last receipt
	head      prescription.Digest
	last      time.Time // when it was handed out
	pending   []kept    // in order
}

func (b *book) close() {
	b.key, b.number, b.head, b.last, b.pending = nil, 0, prescription.Digest{}, time.Time{}, nil
}

// open reads what stands in the folder and goes on after it.
func (b *book) open(signer crypto.Signer, issuer string) error {
	key, err := qr.NewSigningKey(issuer, qr.Receipt, signer)
	if err != nil {
		return err
	}
	b.close()
	if data, err := os.ReadFile(filepath.Join(b.dir, chainFile)); err == nil {
		var c chain
		head, err := []byte(nil), json.Unmarshal(data, &c)
		if err == nil {
			head, err = hex.DecodeString(c.Head)
		}
		if err != nil || len(head) != len(b.head) {
			return errors.New("counter: the file of the receipts' chain is damaged: make a new device key")
		}
		b.number, b.head, b.last = c.Number, prescription.Digest(head), c.At
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("counter: %w", err)
	}
	names, err := b.files()
	if err != nil {
		return err
	}
	for i, name := range names {
		if name <= receiptFile(b.number) { // the server has it: a crash came before it was deleted
			if err := b.remove(name); err != nil {
				return err
			}
			continue
		}
		text, err := os.ReadFile(filepath.Join(b.dir, name))
		if err != nil {
			return fmt.Errorf("counter: %w", err)
		}
		k, err := readKept(string(text), key.Key)
		switch {
		case err != nil && i == len(names)-1: // torn by a crash: nothing was handed out on it
			if err := b.remove(name); err != nil {
				return err
			}
			continue
		case err != nil, name != receiptFile(k.Number), k.Number != b.number+1, k.Previous != b.head:
			return errors.New("counter: a receipt in the folder is damaged or missing: keep the folder and call support")
		}
		b.pending = append(b.pending, k)
		b.number, b.head, b.last = k.Number, k.Hash, k.At
	}
	b.key = &key
	return nil
}

func (b *book) files() (names []string, err error) {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, fmt.Errorf("counter: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), receiptPrefix) && strings.HasSuffix(e.Name(), receiptSuffix) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// readKept takes a receipt's file apart: the signed text, and a line with what this counter then knew of the prescription.
func readKept(content string, key qr.Key) (kept, error) {
	text, rest, _ := strings.Cut(content, "\n")
	note, end, whole := strings.Cut(rest, "\n")
	k := kept{text: text}
	if !whole || end != "" || json.Unmarshal([]byte(note), &k.account) != nil {
		return k, errTorn
	}
	code, err := qr.Open(text)
	if err != nil {
		return k, err
	}
	verified, err := code.Verify(key)
	if err != nil {
		return k, err
	}
	k.Receipt, _, err = document.ReadReceipt(text, verified)
	return k, err
}

var errTorn = errors.New("counter: a receipt's file is not whole")

// write signs the next receipt and puts it on the disk. Only when it returns without an error may the medicine be handed out. The file
// must not be there yet: a second program on this folder would fork the chain.
func (b *book) write(r prescription.Receipt, of qr.Claims, a account) (kept, error) {
	r.Number, r.Previous = b.number+1, b.head
	text, err := document.SealReceipt(r, of, *b.key)
	if err != nil {
		return kept{}, err
	}
	note, err := json.Marshal(a)
	if err != nil {
		return kept{}, err
	}
	content := text + "\n" + string(note) + "\n"
	k, err := readKept(content, b.key.Key) // what was signed is what will be read
	if err != nil {
		return kept{}, err
	}
	name := filepath.Join(b.dir, receiptFile(r.Number))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return kept{}, fmt.Errorf("counter: the receipt cannot be kept, so nothing may be handed out: %w", err)
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = syncFolder(b.dir)
	}
	if err != nil {
		return kept{}, errors.Join(fmt.Errorf("counter: the receipt cannot be kept, so nothing may be handed out: %w", err), os.Remove(name))
	}
	b.pending = append(b.pending, k)
	b.number, b.head, b.last = k.Number, k.Hash, k.At
	return k, nil
}

// confirm forgets the first n receipts that wait: the server has them. The chain is written before they are deleted.
func (b *book) confirm(n int, put func(name string, data []byte) error) error {
	last := b.pending[n-1]
	data, err := json.Marshal(chain{Number: last.Number, Head: hex.EncodeToString(last.Hash[:]), At: last.At})
	if err != nil {
		return err
	}
	if err := put(chainFile, data); err != nil {
		return err
	}
	if err := syncFolder(b.dir); err != nil {
		return err
	}
	for _, k := range b.pending[:n] {
		if err := b.remove(receiptFile(k.Number)); err != nil {
			return err
		}
	}
	b.pending = slices.Clone(b.pending[n:])
	return nil
}

func (b *book) remove(name string) error {
	if err := os.Remove(filepath.Join(b.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("counter: %w", err)
	}
	return nil
}

// syncFolder makes the names in a folder survive a power cut. Windows and browsers have no such call.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		return nil
	}
	f, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
