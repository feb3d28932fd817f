package medcard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/qr/trust"
)

// Failure is what an error says to a program. Apps branch on Code; it never changes its meaning.
type Failure struct {
	Code       string // the server's word, or one of ours, which all begin with "sdk."
	Detail     string // for a person who looks into it, in English; an app shows words of its own
	Status     int    // of HTTP; 0 = the server did not speak
	State      string // of a conflict: the state the thing is in
	RequestID  string // for the server's operators
	RetryAfter int64  // milliseconds; 0 = nobody said
	Fields     []byte // JSON: [{"where":"body.phone","why":"..."}], the places of the input that are wrong; nil = none
}

// FailureOf reads what a method of this package threw. It is nil for no error.
func FailureOf(problem error) (failure *Failure, err error) {
	defer guard(&err)
	if problem == nil {
		return nil, nil
	}
	var known *failed
	if errors.As(problem, &known) {
		f := known.failure
		return &f, nil
	}
	f := failureOf(problem)
	return &f, nil
}

// failed is how every error leaves this package: its text begins with the code, so that even a line in a crash report tells.
type failed struct {
	failure Failure
	cause   error
}

func (e *failed) Error() string { return e.failure.Code + ": " + e.failure.Detail }
func (e *failed) Unwrap() error { return e.cause }

var (
	errPanic    = errors.New("medcard: a mistake in the SDK")
	errArgument = errors.New("medcard: an argument is missing or cannot be read")
	errRunning  = errors.New("medcard: the background sync runs already")
	errCallback = errors.New("medcard: the app's callback failed")
)

// words are the codes of what the SDK itself refuses with. The first that fits counts: a sync that was stopped has also not
// reached the server.
var words = []struct {
	err  error
	code string
}{
	{errPanic, "sdk.panic"},
	{errArgument, "sdk.argument"},
	{errRunning, "sdk.running"},
	{errCallback, "sdk.callback"},
	{context.Canceled, "sdk.cancelled"},
	{context.DeadlineExceeded, "sdk.timeout"},
	{phone.ErrKeySize, "sdk.key_size"},
	{phone.ErrKey, "sdk.key"},
	{phone.ErrKeystore, "sdk.keystore"},
	{phone.ErrDamagedFile, "sdk.file_damaged"},
	{phone.ErrNewer, "sdk.newer"},
	{phone.ErrClosed, "sdk.closed"},
	{phone.ErrOtherAccount, "sdk.other_account"},
	{phone.ErrAuditSigner, "sdk.audit_signer"},
	{phone.ErrAuditForked, "sdk.audit_forked"},
	{phone.ErrAuditMissing, "sdk.audit_missing"},
	{phone.ErrAuditChanged, "sdk.audit_changed"},
	{phone.ErrSignedOut, "sdk.signed_out"},
	{phone.ErrLeaseEnded, "sdk.lease_ended"},
	{phone.ErrNoRecord, "sdk.no_record"},
	{phone.ErrReadOnly, "sdk.read_only"},
	{phone.ErrInvalid, "sdk.invalid"},
	{phone.ErrNoFile, "sdk.no_file"},
	{phone.ErrDamaged, "sdk.damaged"},
	{phone.ErrFileSize, "sdk.file_size"},
	{phone.ErrDocument, "sdk.document"},
	{phone.ErrUnchanged, "sdk.unchanged"},
	{phone.ErrOutdated, "sdk.outdated"},
	{phone.ErrPaging, "sdk.paging"},
	{phone.ErrCategory, "sdk.category"},
	{phone.ErrQuery, "sdk.query"},
	{phone.ErrAnswer, "sdk.answer"},
	{phone.ErrOffline, "sdk.offline"},
	{counter.ErrNotEnrolled, "sdk.not_enrolled"},
	{counter.ErrNotOK, "sdk.not_ok"},
	{counter.ErrOnlineOnly, "sdk.online_only"},
	{counter.ErrClock, "sdk.clock"},
	{counter.ErrPortions, "sdk.portions"},
	{counter.ErrTooEarly, "sdk.too_early"},
	{counter.ErrTooMany, "sdk.receipts_full"},
	{trust.ErrFormat, "sdk.untrusted"},
	{trust.ErrRoot, "sdk.untrusted"},
	{trust.ErrRollback, "sdk.untrusted"},
	{trust.ErrKey, "sdk.untrusted"},
}

// guard stands first in every exported method. A panic that crossed the border would end the app in the middle of what a
// person is doing; here it becomes an error like any other.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = panicked(r)
	}
	*err = outward(*err)
}

// panicked tells where it happened and, as far as the runtime said it, what. Words that our own code panicked with are left
// out: they may hold what a person wrote.
func panicked(r any) error {
	what := fmt.Sprintf("%T", r)
	if e, ok := r.(runtime.Error); ok {
		what = e.Error()
	}
	return fmt.Errorf("%w: %s at %s", errPanic, what, culprit(string(debug.Stack())))
}

// culprit is the function that panicked: the one below panic in the stack.
func culprit(stack string) string {
	_, below, found := strings.Cut(stack, "\npanic(")
	for line := range strings.Lines(below) {
		if name, _, call := strings.Cut(line, "("); found && call && strings.Contains(name, "medcard/") && !strings.HasPrefix(line, "\t") {
			return name[strings.LastIndex(name, "/")+1:]
		}
	}
	return "an unknown place"
}

func outward(err error) error {
	var already *failed
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &failed{failure: failureOf(err), cause: err}
}

func failureOf(err error) Failure {
	for _, w := range words {
		if errors.Is(err, w.err) {
			return Failure{Code: w.code, Detail: bare(err)}
		}
	}
	var p *problem.Problem
	if errors.As(err, &p) {
		return Failure{
			Code: p.Code, Detail: p.Detail, Status: p.Status, State: p.State, RequestID: p.RequestID,
			RetryAfter: p.RetryAfter.Milliseconds(), Fields: fieldsOf(p.Fields),
		}
	}
	var rule *fault.Fault // one of the server's that is checked here already
	if errors.As(err, &rule) {
		return Failure{Code: string(rule.Code), Detail: rule.Text}
	}
	var network *url.Error
	if errors.As(err, &network) {
		return Failure{Code: "sdk.offline", Detail: bare(network.Err)} // its own text names the address
	}
	var file *fs.PathError
	if errors.As(err, &file) {
		return Failure{Code: "sdk.file", Detail: file.Op + ": " + file.Err.Error()}
	}
	return Failure{Code: "sdk.internal", Detail: bare(err)}
}

// bare is the text without the name of the package that spoke: the code says more.
func bare(err error) string {
	text := err.Error()
	for _, name := range []string{"phone: ", "counter: ", "medcard: ", "vault: "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}

func fieldsOf(fields []problem.Field) []byte {
	if len(fields) == 0 {
		return nil
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return text
}
