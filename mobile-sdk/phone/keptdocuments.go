package phone

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/mobile-sdk/problem"
)

// KeptDocument is a document that waits on this phone to be handed in.
type KeptDocument struct {
	Slot        evidence.Slot
	Number      string // canonical; "" = none
	Kept        time.Time
	Files, Sent int    // how many it has, and how many of them the server has
	Code        string // why the server does not take it, e.g. "file.locked", and it waits for the person; "" = it will be sent
}

// ErrDocument says that a document has no files, more than evidence.MaxFiles, an empty one or one that is too large.
var ErrDocument = errors.New("phone: a document has 1 to 10 files of at most 8 MiB each, 32 MiB in all")

const (
	settingDocuments = "documents"
	// codeLost is the code of a document of which a damaged file of the phone lost a page.
	codeLost = "document.lost"
)

// keptDocument is what the vault knows of one. Its files are settings of their own, so that they are rescued as those are.
type keptDocument struct {
	Name   string        `json:"name"` // drawn anew each time, so that what replaced it is not taken for it
	Slot   evidence.Slot `json:"slot"`
	Number string        `json:"number"`
	Kept   time.Time     `json:"kept"`
	Files  []keptFile    `json:"files"`
	Draft  string        `json:"draft"` // the server's name of it; "" = nothing was sent yet
	Code   string        `json:"code"`
	Claim  *Claimed      `json:"claim,omitempty"` // that it is to prove; nil = none
}

type keptFile struct {
	Setting string `json:"setting"`
	Sent    bool   `json:"sent"`
}

func (d *keptDocument) settings() []string {
	names := make([]string, len(d.Files))
	for i, f := range d.Files {
		names[i] = f.Setting
	}
	return names
}

func (d *keptDocument) sent() (n int) {
	for _, f := range d.Files {
		if f.Sent {
			n++
		}
	}
	return n
}

// KeepDocument takes a document into the encrypted file, to be handed in by the next Sync that reaches the server. It needs no network, and
// takes the place of one that waits in the same slot. The number is as the person typed it, and its check digits are checked here. Files are
// JPEG, PNG or PDF. ErrDocument, ErrSignedOut where nobody has signed in on this phone yet.
func (c *Client) KeepDocument(slot evidence.Slot, number string, files ...[]byte) error {
	canonical, err := slot.Number(number)
	if err != nil {
		return err
	}
	return c.keep(keptDocument{Slot: slot, Number: canonical}, files, func(other keptDocument) bool { return other.Slot == slot && other.Claim == nil })
}

// keep takes a document with its files into the encrypted file, in place of those that it replaces.
func (c *Client) keep(d keptDocument, files [][]byte, replaces func(keptDocument) bool) error {
	size := 0
	for _, f := range files {
		size += len(f)
	}
	if len(files) == 0 || len(files) > evidence.MaxFiles || size > evidence.MaxDocument ||
		slices.ContainsFunc(files, func(f []byte) bool { return len(f) == 0 || len(f) > evidence.MaxFile }) {
		return ErrDocument
	}
	if known, err := c.vault.Load(settingAccount, new(string)); err != nil || !known {
		return errors.Join(err, ErrSignedOut)
	}
	d.Kept = c.time.now()
	var err error
	if d.Name, err = c.newID(); err != nil {
		return err
	}
	save := map[string]any{}
	for _, content := range files {
		name, err := c.newID()
		if err != nil {
			return err
		}
		name = settingDocuments + "." + name
		save[name] = content
		d.Files = append(d.Files, keptFile{Setting: name})
	}
	err = c.changeKept(func(list []keptDocument) ([]keptDocument, []string) {
		var drop []string
		for _, other := range list {
			if replaces(other) {
				drop = append(drop, other.settings()...)
			}
		}
		return append(slices.DeleteFunc(list, replaces), d), drop
	}, save)
	if err == nil {
		c.Wake()
	}
	return err
}

// KeptDocuments lists what waits to be handed in, in the order in which it was kept, without that of claims. It needs no network.
func (c *Client) KeptDocuments() ([]KeptDocument, error) {
	kept, err := c.kept()
	list := make([]KeptDocument, 0, len(kept))
	for _, d := range kept {
		if d.Claim == nil {
			list = append(list, d.shown())
		}
	}
	return list, err
}

func (d *keptDocument) shown() KeptDocument {
	return KeptDocument{Slot: d.Slot, Number: d.Number, Kept: d.Kept, Files: len(d.Files), Sent: d.sent(), Code: d.Code}
}

// DropKeptDocument takes back what waits in the slot. What the server has of it already stays there as a draft: see WithdrawDocument.
func (c *Client) DropKeptDocument(slot evidence.Slot) error {
	return c.dropKept(func(d keptDocument) bool { return d.Slot == slot && d.Claim == nil })
}

func (c *Client) kept() (list []keptDocument, err error) {
	_, err = c.vault.Load(settingDocuments, &list)
	return list, err
}

// changeKept changes the list; change says which settings go.
func (c *Client) changeKept(change func([]keptDocument) (list []keptDocument, drop []string), save map[string]any) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	list, err := c.kept()
	if err != nil {
		return err
	}
	list, drop := change(list)
	if save == nil {
		save = map[string]any{}
	}
	if save[settingDocuments] = list; len(list) == 0 {
		delete(save, settingDocuments)
		drop = append(drop, settingDocuments)
	}
	err = c.vault.Replace(drop, save)
	if err == nil {
		c.documents.Store(len(list) > 0)
	}
	return err
}

func (c *Client) dropKept(which func(keptDocument) bool) error {
	return c.changeKept(func(list []keptDocument) ([]keptDocument, []string) {
		var drop []string
		for _, d := range list {
			if which(d) {
				drop = append(drop, d.settings()...)
			}
		}
		return slices.DeleteFunc(list, which), drop
	}, nil)
}

// handIn sends the documents that wait. One's refusal is noted with it, and keeps nothing else from going.
func (c *Client) handIn(ctx context.Context, report *Report) error {
	if !c.documents.Load() {
		return nil
	}
	list, err := c.kept()
	errs := []error{err}
	for _, d := range list {
		if d.Code != "" {
			continue
		}
		err := (&handing{client: c, document: d}).run(ctx)
		var refusal *problem.Problem
		switch {
		case err == nil:
			report.HandedIn++
			continue
		case errors.Is(err, errReplaced):
			continue
		case errors.As(err, &refusal) && (final[refusal.Status] || refusal.Code == string(family.ErrNoDocument.Code)):
			err = c.noteKept(d.Name, func(d *keptDocument) { d.Code = refusal.Code })
		}
		if errs = append(errs, err); errors.Is(err, ErrOffline) || ctx.Err() != nil {
			break // there is no use in the next one at this time
		}
	}
	return errors.Join(errs...)
}

// errReplaced says that there is nothing more to do with the document: the person kept another one in its place, or took it back, or it is lost.
var errReplaced = errors.New("phone: the document is not to be sent any more")

// noteKept writes down how far one is.
func (c *Client) noteKept(name string, note func(*keptDocument)) error {
	found := false
	err := c.changeKept(func(list []keptDocument) ([]keptDocument, []string) {
		for i := range list {
			if list[i].Name == name {
				note(&list[i])
				found = true
			}
		}
		return list, nil
	}, nil)
	if err == nil && !found {
		return errReplaced
	}
	return err
}

// handing hands one document in.
type handing struct {
	client   *Client
	document keptDocument
}

func (h *handing) run(ctx context.Context) error {
	c, d := h.client, &h.document
	if d.Draft == "" {
		if err := h.clear(ctx); err != nil {
			return err
		}
	} else if d.sent() == len(d.Files) { // the answer to the last request may have been lost
		arrived, err := h.arrived(ctx)
		if err != nil {
			return err
		}
		if arrived {
			return h.done()
		}
	}
	for i, f := range d.Files {
		if f.Sent {
			continue
		}
		var content []byte
		if found, err := c.vault.Load(f.Setting, &content); err != nil {
			return err
		} else if !found {
			return errors.Join(c.noteKept(d.Name, func(d *keptDocument) { d.Code = codeLost }), errReplaced)
		}
		draft, err := c.PutDocumentFile(ctx, d.Slot, i+1, content)
		if err != nil {
			return err
		}
		d.Draft, d.Files[i].Sent = string(draft.ID), true
		if err := c.noteKept(d.Name, func(kept *keptDocument) { kept.Draft, kept.Files[i].Sent = d.Draft, true }); err != nil {
			return err
		}
	}
	if d.Claim != nil { // a claim that is filed already, and waits, is answered as the first time
		if _, err := c.ClaimRepresentation(ctx, *d.Claim); err != nil {
			return err
		}
		return h.done()
	}
	_, err := c.HandInDocument(ctx, d.Slot, d.Number)
	if problem.CodeOf(err) == string(evidence.ErrChecking.Code) { // by the same request, whose answer was lost?
		arrived, failed := h.arrived(ctx)
		if failed != nil {
			return failed
		}
		if arrived {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	return h.done()
}

// clear deletes a draft of which pages would be left among ours.
func (h *handing) clear(ctx context.Context) error {
	there, err := h.client.Documents(ctx)
	if err != nil {
		return err
	}
	for _, other := range there {
		if other.Slot == h.document.Slot && len(other.Files) > len(h.document.Files) && (other.Status == evidence.Draft || other.Status == evidence.Rejected) {
			if err := h.client.WithdrawDocument(ctx, other.Slot); problem.CodeOf(err) != "document.not_found" { // else it is gone: an answer was lost
				return err
			}
			return nil
		}
	}
	return nil
}

// arrived says whether the document was handed in though no answer said so. A claim bears the name of its draft.
func (h *handing) arrived(ctx context.Context) (bool, error) {
	if h.document.Claim != nil {
		there, err := h.client.RepresentationClaims(ctx)
		return slices.ContainsFunc(there, func(c Claim) bool { return string(c.ID) == h.document.Draft }), err
	}
	there, err := h.client.Documents(ctx)
	return slices.ContainsFunc(there, func(d evidence.Document) bool {
		return string(d.ID) == h.document.Draft && d.Status != evidence.Draft
	}), err
}

func (h *handing) done() error {
	return h.client.dropKept(func(d keptDocument) bool { return d.Name == h.document.Name })
}
