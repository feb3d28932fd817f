package phone

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/mobile-sdk/proof"
)

// The audit log as the phone checks it: that it is one log which only grows, and that the card's lines stand in it, all of them.

// What is wrong with an audit log. Each comes in an *AuditError.
var (
	// ErrAuditSigner says that the log's checkpoint is signed by another key than the first that this phone saw, or than Config.AuditKey, and by none to
	// which that one handed over.
	ErrAuditSigner = errors.New("phone: the audit log is not signed by its key")
	// ErrAuditForked says that the log is not the continuation of the one that this phone saw: it was rolled back or rewritten. A server that
	// was restored from a backup has such a log, too.
	ErrAuditForked = errors.New("phone: the audit log was rolled back or rewritten")
	// ErrAuditMissing says that a line was taken out: the numbers have a gap or end too early, or a line never came into the log.
	ErrAuditMissing = errors.New("phone: a line of the access log is missing")
	// ErrAuditChanged says that a line is not what was written into the log.
	ErrAuditChanged = errors.New("phone: a line of the access log was changed")
)

// AuditError is a log that somebody tampered with. With the two checkpoints, both signed, anybody can be shown that a log forked.
type AuditError struct {
	Err       error  // one of the four above
	Number    uint64 // of the line; 0 = the log itself, or no line in particular
	Kept, Got string // signed checkpoints: the one that this phone holds and the server's
}

func (e *AuditError) Error() string {
	if e.Number == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s: number %d", e.Err, e.Number)
}

// Unwrap gives what is wrong.
func (e *AuditError) Unwrap() error { return e.Err }

// AccessProof is what was proven of a card's access log.
type AccessProof struct {
	Proven  int       // lines that stand in the signed log
	Waiting int       // lines of the last minutes, which are about to
	Older   int       // lines from before the server had such a log: nothing is proven of them
	LogSize int64     // lines of all cards
	Newest  time.Time // the newest line that was proven; zero = none
}

// auditSetting is what the phone remembers of the log.
type auditSetting struct {
	Key        string                `json:"key"`              // which signed the checkpoint, or will
	Pinned     string                `json:"pinned,omitempty"` // the Config.AuditKey with which it was found to be of one chain
	Checkpoint string                `json:"checkpoint"`       // signed; the newest that was found consistent
	Trails     map[card.ID]trailMark `json:"trails"`
	Witnessed  time.Time             `json:"witnessed"` // when Run looked at the log last, or WitnessAuditLog found it consistent
}

// trailMark is how far a card's lines were proven. With the chain none of them can be replaced, not even by one that stands in the log, too.
type trailMark struct {
	From   uint64     `json:"from"`   // the first line that is in the log
	Number uint64     `json:"number"` // the last
	Chain  audit.Hash `json:"chain"`  // over the hashes of the lines between, those included
}

const (
	settingAudit = "audit"
	// auditPatience is how long a line may wait to come into the log; the server needs a second.
	auditPatience = 10 * time.Minute
)

// VerifyAccessLog reads the card's whole access log with its proofs, and checks that each line stands in the audit log as it is, that none is
// missing, and that the log continues the one that this phone saw before. *AuditError.
func (k *Card) VerifyAccessLog(ctx context.Context) (AccessProof, error) {
	c := k.client
	if err := c.auditing.enter(ctx); err != nil {
		return AccessProof{}, err
	}
	defer c.auditing.leave()
	kept, err := c.auditSetting(ctx)
	if err != nil {
		return AccessProof{}, err
	}
	trail := trail{card: k.id, mark: kept.Trails[k.id], now: c.time.now()}
	for below := uint64(0); ; {
		var page evidenceAnswer
		call := call{method: http.MethodGet, path: "/v1/cards/" + url.PathEscape(string(k.id)) + "/access-log/evidence", into: &page}
		if below > 0 {
			call.query = url.Values{"below": {strconv.FormatUint(below, 10)}}
		}
		if err := c.do(ctx, call); err != nil {
			return AccessProof{}, kept.damaged(err)
		}
		now, err := c.follow(ctx, &kept, page.Checkpoint)
		if err != nil {
			return AccessProof{}, err
		}
		if err := trail.take(now, page); err != nil {
			return AccessProof{}, kept.blame(err, page.Checkpoint)
		}
		if below = page.Next; below == 0 {
			break
		}
	}
	mark, err := trail.close()
	if err != nil {
		return AccessProof{}, kept.blame(err, "")
	}
	if mark.Number > 0 {
		kept.Trails[k.id] = mark
	}
	return trail.proof, c.vault.Save(settingAudit, kept)
}

// WitnessAuditLog checks that the server's audit log continues the one that this phone saw before, and keeps its checkpoint. It costs two small
// requests: the more phones do it now and then, the less can be rewritten. Run does it by itself. *AuditError.
func (c *Client) WitnessAuditLog(ctx context.Context) error {
	if err := c.auditing.enter(ctx); err != nil {
		return err
	}
	defer c.auditing.leave()
	kept, err := c.auditSetting(ctx)
	if err != nil {
		return err
	}
	signed, err := c.fetchText(ctx, "/v1/audit/checkpoint")
	if err != nil {
		return err
	}
	if _, err := c.follow(ctx, &kept, signed); err != nil {
		return err
	}
	kept.Witnessed = c.time.now()
	return c.vault.Save(settingAudit, kept)
}

// AcceptAuditLog forgets what this phone saw of the log, so that the next check begins anew. It is for when the person was told of an
// *AuditError and why: a server that was restored from a backup.
func (c *Client) AcceptAuditLog() error { return c.vault.Drop(settingAudit) }

// auditSetting gives what the phone remembers, and the log's key in it.
func (c *Client) auditSetting(ctx context.Context) (kept auditSetting, err error) {
	if _, err := c.vault.Load(settingAudit, &kept); err != nil {
		return kept, err
	}
	if kept.Trails == nil {
		kept.Trails = map[card.ID]trailMark{}
	}
	if kept.Key == "" {
		kept.Key = c.auditKey
	}
	if kept.Key == "" {
		a, err := c.auditKeys(ctx)
		kept.Key = a.Key
		return kept, err
	}
	return kept, c.pin(ctx, &kept)
}

func (c *Client) auditKeys(ctx context.Context) (a auditKeyAnswer, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/v1/audit/key", into: &a, open: true})
	return a, err
}

// pin sees that what the phone keeps is signed by the key that the app names, or by one of the same chain: the app may be older than the last handover,
// or newer.
func (c *Client) pin(ctx context.Context, kept *auditSetting) error {
	if c.auditKey == "" || kept.Pinned == c.auditKey || kept.Key == c.auditKey {
		return nil
	}
	a, err := c.auditKeys(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(proof.Chain(kept.Key, a.Handovers), c.auditKey) && !slices.Contains(proof.Chain(c.auditKey, a.Handovers), kept.Key) {
		return kept.blame(&AuditError{Err: ErrAuditSigner}, "")
	}
	kept.Pinned = c.auditKey
	return nil
}

// open reads a checkpoint, believing the key that the phone keeps and those to which it handed over.
func (c *Client) open(ctx context.Context, key, signed string) (now audit.Checkpoint, by string, err error) {
	if now, err = proof.Open(key, []byte(signed)); err == nil {
		return now, key, nil
	}
	a, err := c.auditKeys(ctx)
	if err != nil {
		return now, key, err
	}
	if now, by, err = proof.OpenFollowing(key, a.Handovers, []byte(signed)); err != nil {
		err = &AuditError{Err: ErrAuditSigner}
	}
	return now, by, err
}

// follow takes a checkpoint of the server for the newest, if it is signed and continues what the phone saw.
func (c *Client) follow(ctx context.Context, kept *auditSetting, signed string) (audit.Checkpoint, error) {
	now, by, err := c.open(ctx, kept.Key, signed)
	if err != nil {
		return now, kept.blame(err, signed)
	}
	if kept.Checkpoint == signed {
		return now, nil
	}
	var before audit.Checkpoint
	if kept.Checkpoint != "" {
		if before, err = proof.Open(kept.Key, []byte(kept.Checkpoint)); err != nil { // what is kept was checked
			return now, kept.blame(&AuditError{Err: ErrAuditSigner}, signed)
		}
	}
	var a consistencyAnswer
	if before.Size > 0 && before.Size < now.Size {
		query := url.Values{"older": {strconv.FormatInt(before.Size, 10)}, "newer": {strconv.FormatInt(now.Size, 10)}}
		if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/audit/consistency", query: query, into: &a, open: true}); err != nil {
			return now, kept.damaged(err)
		}
	}
	path, err := asHashes(a.Proof)
	if err != nil {
		return now, err
	}
	if before.Size == 0 {
		before.Origin = now.Origin
	}
	if proof.Consistent(before, now, path) != nil {
		return now, kept.blame(&AuditError{Err: ErrAuditForked}, signed)
	}
	if by != kept.Key && c.auditKey != "" {
		kept.Pinned = c.auditKey
	}
	kept.Key, kept.Checkpoint = by, signed
	return now, nil
}

// damages are the server's own words for a log of which something is gone.
var damages = map[string]error{"audit.log_damaged": ErrAuditForked, "audit.entry_damaged": ErrAuditChanged}

func (s *auditSetting) damaged(err error) error {
	var p *problem.Problem
	if errors.As(err, &p) && damages[p.Code] != nil {
		return s.blame(&AuditError{Err: damages[p.Code]}, "")
	}
	return err
}

// blame adds the evidence to what is wrong.
func (s *auditSetting) blame(err error, got string) error {
	var wrong *AuditError
	if errors.As(err, &wrong) {
		wrong.Kept, wrong.Got = s.Checkpoint, got
	}
	return err
}

// trail checks a card's lines as they come, the newest first.
type trail struct {
	card card.ID
	mark trailMark
	now  time.Time

	proof  AccessProof
	next   uint64       // number of the line that has to come next; 0 = any, the newest
	begun  bool         // a line came
	lines  []audit.Hash // of those in the log, the newest first
	newest uint64       // number of the first of them
	oldest uint64       // and of the last
}

func (t *trail) take(now audit.Checkpoint, page evidenceAnswer) error {
	t.proof.LogSize = now.Size
	for _, e := range page.Entries {
		if err := t.line(now, e); err != nil {
			return err
		}
	}
	return nil
}

func (t *trail) line(now audit.Checkpoint, e evidenceEntry) error {
	entry, err := audit.ParseCanonical(e.Entry)
	if err != nil || entry.Card != t.card || entry.Number != e.Number {
		return &AuditError{Err: ErrAuditChanged, Number: e.Number}
	}
	switch {
	case t.begun && entry.Number != t.next:
		return &AuditError{Err: ErrAuditMissing, Number: t.next}
	case !t.begun && entry.Number < t.mark.Number:
		return &AuditError{Err: ErrAuditMissing, Number: entry.Number + 1}
	}
	t.begun, t.next = true, entry.Number-1
	switch {
	case len(e.Salt) == 0:
		if t.mark.Number > 0 && entry.Number >= t.mark.From {
			return &AuditError{Err: ErrAuditChanged, Number: e.Number}
		}
		t.proof.Older++
		return nil
	case t.proof.Older > 0: // what is above a line in the log is in it, too
		return &AuditError{Err: ErrAuditChanged, Number: e.Number + 1}
	case !e.Logged:
		if entry.Number <= t.mark.Number || t.now.Sub(entry.At) > auditPatience {
			return &AuditError{Err: ErrAuditMissing, Number: e.Number}
		}
		t.wait()
		return nil
	}
	path, err := asHashes(e.Proof)
	if err != nil {
		return err
	}
	leaf := audit.LeafHash(e.Salt, e.Entry)
	if proof.Included(now, e.Place, leaf, path) != nil {
		return &AuditError{Err: ErrAuditChanged, Number: e.Number}
	}
	if len(t.lines) == 0 {
		t.newest, t.proof.Newest = entry.Number, entry.At
	}
	t.lines, t.oldest = append(t.lines, leaf), entry.Number
	t.proof.Proven++
	return nil
}

// wait counts a line that is not in the log yet. Those above it, should they have come in before it, are left for the next time: what is
// proven has no holes.
func (t *trail) wait() {
	t.proof.Waiting += t.proof.Proven + 1
	t.proof.Proven, t.proof.Newest, t.lines = 0, time.Time{}, nil
}

// close checks that nothing is missing at the end, and that what was proven before is still the same.
func (t *trail) close() (trailMark, error) {
	if t.next != 0 || !t.begun && t.mark.Number > 0 {
		return t.mark, &AuditError{Err: ErrAuditMissing, Number: max(t.next, 1)}
	}
	mark := trailMark{From: t.oldest, Number: t.newest}
	for i := len(t.lines) - 1; i >= 0; i-- {
		mark.Chain = chained(mark.Chain, t.lines[i])
		if number := t.newest - uint64(i); number == t.mark.Number && mark.Chain != t.mark.Chain {
			return t.mark, &AuditError{Err: ErrAuditChanged}
		}
	}
	if t.mark.Number > 0 && (mark.From != t.mark.From || mark.Number < t.mark.Number) {
		return t.mark, &AuditError{Err: ErrAuditMissing, Number: t.mark.Number}
	}
	return mark, nil
}

func chained(chain, leaf audit.Hash) audit.Hash {
	return sha256.Sum256(append(chain[:], leaf[:]...))
}

func asHashes(list [][]byte) ([]audit.Hash, error) {
	out := make([]audit.Hash, len(list))
	for i, b := range list {
		if len(b) != len(out[i]) {
			return nil, ErrAnswer
		}
		copy(out[i][:], b)
	}
	return out, nil
}
