package medcard

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone"
)

// Progress is told how a first sync goes on, after each page that was applied. It is called on a thread of the SDK.
//
// An exception that it throws is written to the log and otherwise does nothing: the page is on the phone already. Callbacks say
// that they may throw because of one that may not an exception ends the app.
type Progress interface {
	// OnProgress has done of total records of the card on the phone; total is 0 when it is not a first sync.
	OnProgress(card string, done, total int) error
}

// Log is told what happens in the background: codes and counts, never content. It is called on a thread of the SDK.
type Log interface {
	// OnLog has a level (DEBUG, INFO, WARN, ERROR), a fixed sentence and its details as a JSON object.
	OnLog(level, message string, details []byte) error
}

// ScopeKeys is the part of the phone's keystore in which the key of each scope of a card stands, so that what access or a lease ended to cannot be
// read any more from old content of the memory chip. Its methods must not call the SDK. What they throw fails the call that needed
// them (sdk.keystore) and loses nothing. Names are random and say nothing of a person.
type ScopeKeys interface {
	// Load gives the key of the name, null if there is none. It throws if the keystore does not answer at this moment.
	Load(name string) (key []byte, err error)
	// Create makes a random key of 32 bytes, in place of one that has the name. The key has to survive a crash once Create returned.
	Create(name string) (key []byte, err error)
	// Destroy makes the key unreadable for ever. One that is not there is no error.
	Destroy(name string) error
}

// keysOf hands an app's keystore to the SDK.
func keysOf(app ScopeKeys) phone.ScopeKeys {
	if app == nil {
		return nil
	}
	return guarded{app}
}

// guarded is a keystore that may panic.
type guarded struct{ app ScopeKeys }

func (g guarded) Load(name string) (key []byte, err error) {
	err = safely(func() (err error) {
		key, err = g.app.Load(name)
		return err
	})
	return key, err
}

func (g guarded) Create(name string) (key []byte, err error) {
	err = safely(func() (err error) {
		key, err = g.app.Create(name)
		return err
	})
	return key, err
}

func (g guarded) Destroy(name string) error {
	return safely(func() error { return g.app.Destroy(name) })
}

// progressTo hands the SDK's progress to an app.
func progressTo(to Progress, log *slog.Logger) func(phone.Progress) {
	if to == nil {
		return nil
	}
	return func(p phone.Progress) {
		if err := safely(func() error { return to.OnProgress(string(p.Card), p.Done, p.Total) }); err != nil {
			log.Warn("the progress callback failed")
		}
	}
}

// safely calls something of the app's: nothing that it does ends the sync that is under way.
func safely(call func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errCallback
		}
	}()
	return call()
}

// logTo makes the logger of an app's Log; nil = nowhere.
func logTo(to Log) *slog.Logger {
	if to == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(lines{to: to})
}

// lines is a slog.Handler over a Log. It knows no groups: nothing in the SDK uses any.
type lines struct {
	to   Log
	with []slog.Attr
}

func (l lines) Enabled(context.Context, slog.Level) bool { return true }

func (l lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return lines{to: l.to, with: append(l.with[:len(l.with):len(l.with)], attrs...)}
}

func (l lines) WithGroup(string) slog.Handler { return l }

func (l lines) Handle(_ context.Context, r slog.Record) error {
	details := map[string]any{}
	keep := func(a slog.Attr) bool {
		switch v := a.Value.Resolve().Any().(type) {
		case error:
			details[a.Key] = v.Error()
		case time.Duration:
			details[a.Key] = v.Milliseconds()
		case time.Time:
			details[a.Key] = millis(v)
		default:
			details[a.Key] = v
		}
		return true
	}
	for _, a := range l.with {
		keep(a)
	}
	r.Attrs(keep)
	text, err := json.Marshal(details)
	if err != nil {
		text = []byte("{}")
	}
	return safely(func() error { return l.to.OnLog(r.Level.String(), r.Message, text) })
}

// quiet stands first in what the SDK runs on threads of its own: there is nobody to throw to, so a panic is told to the log.
func quiet(log *slog.Logger) {
	if r := recover(); r != nil {
		log.Error("a mistake in the SDK", "at", culprit(string(debug.Stack())))
	}
}
