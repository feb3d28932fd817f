package counter

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

// Why nothing is handed out without a network.
var (
	ErrNotOK      = errors.New("counter: the verdict is not OK") // see Refusal
	ErrOnlineOnly = errors.New("counter: this may be handed out only with a network")
	ErrClock      = errors.New("counter: the device's clock is behind its own last receipt: set it right")
	ErrPortions   = errors.New("counter: the amounts do not fit what is left")
	ErrTooEarly   = errors.New("counter: the next part of this course may not be handed out yet")
	ErrTooMany    = errors.New("counter: too many receipts wait for the server: find a network first")
)

// maxPending bounds how much is handed out that nobody else knows of.
const maxPending = 10_000

// Refusal is why a code may not be handed out without a network: its verdict is not OK.
type Refusal struct{ Verdict Verdict }

func (r *Refusal) Error() string { return "counter: not to be handed out: " + r.Verdict.String() }

// Is makes every refusal an ErrNotOK.
func (r *Refusal) Is(target error) bool { return target == ErrNotOK }

// Receipt is what was handed out without a network.
type Receipt struct {
	Number uint64 // of this device's receipts
	At     time.Time
	Text   string // as it was signed
}

// HandOut checks a code without a network and signs a receipt that it is handed out. When it returns without an error the receipt is on
// the disk and the medicine may be given; Upload tells the server later. Only codes of forms that are not controlled have a verdict of
// OK at all, and only with a status list younger than 48 hours. What this counter handed out of it before is taken off.
func (c *Counter) HandOut(text string, portions []Portion, now time.Time) (Receipt, error) {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	if c.book.key == nil {
		return Receipt{}, ErrNotEnrolled
	}
	if len(c.book.pending) >= maxPending {
		return Receipt{}, ErrTooMany
	}
	now = now.UTC().Truncate(time.Second)
	if now.Before(c.book.last.Add(-trust.Skew)) {
		return Receipt{}, ErrClock
	}
	v := c.Verify(text, now)
	if v.Answer != trust.OK {
		return Receipt{}, &Refusal{Verdict: v}
	}
	if v.Paper == nil || v.Paper.Prescription == nil {
		return Receipt{}, ErrOnlineOnly
	}
	sheet := v.Paper.Prescription
	if rules, known := prescription.RulesOn(sheet.Form, v.Paper.IssuedAt); !known || rules.Controlled {
		return Receipt{}, ErrOnlineOnly
	}
	claims := v.Document.Claims()
	items, err := c.after(claims.Token, sheet.Items, portions, now)
	if err != nil {
		return Receipt{}, err
	}
	r := prescription.Receipt{Token: prescription.Token(claims.Token), At: now, ListedAt: now.Add(-v.StatusAge)}
	for _, p := range portions {
		r.Portions = append(r.Portions, prescription.Portion(p))
	}
	known := account{Until: claims.Expires, Items: items, All: allOut(sheet.Items, items)}
	k, err := c.book.write(r, claims, known)
	if err != nil {
		return Receipt{}, err
	}
	c.note(claims.Token, known)
	return Receipt{Number: k.Number, At: k.At, Text: k.text}, nil
}

// Pending is how many receipts the server does not have yet.
func (c *Counter) Pending() int {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	return len(c.book.pending)
}

// Waiting lists the receipts that the server does not have yet. After a crash look at the last one: it may have reached the disk and
// not the pharmacist. It counts as handed out, so the medicine is the patient's.
func (c *Counter) Waiting() []Receipt {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	list := make([]Receipt, len(c.book.pending))
	for i, k := range c.book.pending {
		list[i] = Receipt{Number: k.Number, At: k.At, Text: k.text}
	}
	return list
}

// Filed is what became of a receipt at the server.
type Filed struct {
	Number  uint64
	Outcome string // applied, case, quarantined, dismissed
	Doubt   string // why it is in quarantine
}

// batch is how many receipts travel at a time.
const batch = prescription.MaxReceipts

// Upload sends the receipts that wait, in order. A receipt stays on the disk until the server has said what became of it; sent twice it
// counts once. What was filed is returned also when an error comes after it.
func (c *Counter) Upload(ctx context.Context) (filed []Filed, err error) {
	c.book.uploading.Lock()
	defer c.book.uploading.Unlock()
	for {
		c.book.mu.Lock()
		waiting := slices.Clone(c.book.pending[:min(batch, len(c.book.pending))])
		c.book.mu.Unlock()
		if len(waiting) == 0 {
			return filed, nil
		}
		texts := make([]string, len(waiting))
		for i, k := range waiting {
			texts[i] = k.text
		}
		var answer struct {
			Receipts []struct{ Receipt, Outcome, Doubt string }
		}
		if err := c.post(ctx, "/v1/dispensing/receipts", map[string]any{"receipts": texts}, &answer); err != nil {
			return filed, err
		}
		if len(answer.Receipts) != len(waiting) {
			return filed, errors.New("counter: the server's answer does not name every receipt")
		}
		for i, a := range answer.Receipts {
			if a.Receipt != hex.EncodeToString(waiting[i].Hash[:]) || a.Outcome == "" {
				return filed, errors.New("counter: the server's answer names another receipt")
			}
		}
		// HandOut only adds behind them while this lock was open.
		c.book.mu.Lock()
		err := c.saveAccounts(c.book.last.Add(-accountTerm))
		if err == nil {
			err = c.book.confirm(len(waiting), c.shelf.put)
		}
		c.book.mu.Unlock()
		if err != nil {
			return filed, err
		}
		for i, a := range answer.Receipts {
			filed = append(filed, Filed{Number: waiting[i].Number, Outcome: a.Outcome, Doubt: a.Doubt})
		}
	}
}

// account is what this counter knows of a prescription that it handed out a part of.
type account struct {
	Until time.Time `json:"until"` // of the prescription
	Items []entry   `json:"items"`
	All   bool      `json:"all,omitempty"` // nothing is left
}

type entry struct {
	Dispensed int       `json:"dispensed"`
	NextAt    time.Time `json:"nextAt,omitzero"`
}

const accountsFile = "accounts.json"

// after is what the account is once the portions are handed out.
func (c *Counter) after(id qr.TokenID, items []prescription.Item, portions []Portion, now time.Time) ([]entry, error) {
	c.mu.Lock()
	next := make([]entry, len(items))
	copy(next, c.accounts[id].Items)
	c.mu.Unlock()
	seen := map[int]bool{}
	for i, p := range portions {
		switch {
		case p.Item < 0 || p.Item >= len(items) || seen[p.Item] || p.Quantity < 1 || p.Quantity > items[p.Item].Quantity-next[p.Item].Dispensed:
			return nil, fmt.Errorf("%w: portion %d", ErrPortions, i)
		case now.Before(next[p.Item].NextAt):
			return nil, fmt.Errorf("%w: not before %s", ErrTooEarly, next[p.Item].NextAt.Format(time.RFC3339))
		}
		seen[p.Item] = true
		next[p.Item].Dispensed += p.Quantity
		if every := int(items[p.Item].Regimen.Every); every > 0 {
			next[p.Item].NextAt = now.AddDate(0, 0, every)
		}
	}
	if len(seen) == 0 {
		return nil, ErrPortions
	}
	return next, nil
}

func allOut(items []prescription.Item, entries []entry) bool {
	for i, item := range items {
		if entries[i].Dispensed < item.Quantity {
			return false
		}
	}
	return true
}

// note keeps in mind what was handed out of a prescription.
func (c *Counter) note(id qr.TokenID, a account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accounts[id] = a
	if a.All {
		c.handled[id] = a.Until
	}
}

// learn takes over what the server says of a prescription. Of receipts that still wait the server knows nothing: the higher amount
// and the later day count.
func (c *Counter) learn(code string, until time.Time, items []Balance) {
	id, ok := c.identify(code)
	if !ok || len(items) == 0 {
		return
	}
	c.mu.Lock()
	next := account{Until: until, Items: make([]entry, len(items)), All: true}
	copy(next.Items, c.accounts[id].Items)
	for i, b := range items {
		e := &next.Items[i]
		e.Dispensed = max(e.Dispensed, b.Dispensed)
		if b.NextAt != nil && b.NextAt.After(e.NextAt) {
			e.NextAt = b.NextAt.UTC()
		}
		next.All = next.All && e.Dispensed >= b.Quantity
	}
	c.mu.Unlock()
	c.note(id, next)
	// The server knows; that this folder could not note it is no reason to tell the pharmacist that it failed.
	_ = c.saveAccounts(until.Add(-accountTerm))
}

// accountTerm is how long after its end what a prescription's account says is of interest: it is older than any prescription lives.
const accountTerm = 400 * 24 * time.Hour

// saveAccounts writes down what is kept in mind, before the receipts that say the same are deleted, and forgets what ended before the
// instant.
func (c *Counter) saveAccounts(before time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.accounts, func(_ qr.TokenID, a account) bool { return a.Until.Before(before) })
	stored := make(map[string]account, len(c.accounts))
	for id, a := range c.accounts {
		stored[hex.EncodeToString(id[:])] = a
	}
	data, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	return errors.Join(c.shelf.put(accountsFile, data), c.shelf.writeHandled(c.handled))
}

// readAccounts brings back what this counter knew: from the file, and from the receipts that still wait.
func (c *Counter) readAccounts() {
	if data, ok := c.shelf.read(accountsFile); ok {
		var stored map[string]account
		if json.Unmarshal(data, &stored) == nil { // it only adds an early warning; the server knows
			for text, a := range stored {
				if id, err := hex.DecodeString(text); err == nil && len(id) == len(qr.TokenID{}) {
					c.accounts[qr.TokenID(id)] = a
				}
			}
		}
	}
	for _, k := range c.book.pending {
		c.note(qr.TokenID(k.Token), k.account)
	}
}
