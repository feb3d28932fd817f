package fcm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"

	"github.com/medcard/medcard/push"
)

// Config says as whom and where to send.
type Config struct {
	Project     string           // Firebase project; "" = the one that the credentials name
	Credentials []byte           // a service account's key file (JSON); nil = without credentials, for a stub
	Endpoint    string           // "https://host/v1"; "" = Google's
	Timeout     time.Duration    // of one delivery; 0 = 10 s
	Clock       func() time.Time // nil = time.Now
}

// Sender is a push.Sender over FCM. It is safe for concurrent use.
type Sender struct {
	client *messaging.Client
	now    func() time.Time
}

// batch is what one call of the SDK takes; it works through it with 50 requests at a time.
const batch = 500

// calls bounds how many batches are under way at once: one alone is held back by the carrier's latency.
const calls = 4

// scope is the one right that sending needs; the SDK by itself would ask for eight.
const scope = "https://www.googleapis.com/auth/firebase.messaging"

// New makes a sender. It reads the credentials but talks to nobody yet.
func New(ctx context.Context, cfg Config) (*Sender, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Credentials == nil && cfg.Endpoint == "" {
		return nil, errors.New("fcm: credentials are missing; without them give the endpoint of a stub, or use push.LogSender")
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = 50 * calls
	var transport http.RoundTripper = base
	if cfg.Credentials != nil {
		// The token is fetched with the same timeout, over the same transport as the messages.
		ctx := context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Transport: base, Timeout: cfg.Timeout})
		account, err := google.JWTConfigFromJSON(cfg.Credentials, scope)
		if err != nil {
			return nil, errors.New("fcm: the credentials are not a service account's key file") // never err: it may quote the key
		}
		transport = &oauth2.Transport{Source: account.TokenSource(ctx), Base: base}
		if cfg.Project == "" {
			cfg.Project = projectIn(cfg.Credentials)
		}
	}
	if cfg.Project == "" {
		return nil, errors.New("fcm: no project is named, nor does the key file name one")
	}
	options := []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: once{next: transport, timeout: cfg.Timeout}})}
	if cfg.Endpoint != "" {
		options = append(options, option.WithEndpoint(cfg.Endpoint))
	}
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: cfg.Project}, options...)
	if err != nil {
		return nil, fmt.Errorf("fcm: %w", err)
	}
	client, err := app.Messaging(ctx)
	if err != nil {
		return nil, fmt.Errorf("fcm: %w", err)
	}
	return &Sender{client: client, now: cfg.Clock}, nil
}

// Send hands the deliveries to FCM, each tried once.
func (s *Sender) Send(ctx context.Context, deliveries []push.Delivery) []push.Result {
	results := make([]push.Result, len(deliveries))
	messages := make([]*messaging.Message, 0, len(deliveries))
	places := make([]int, 0, len(deliveries)) // where in results each message's answer goes
	now := s.now()
	for i, d := range deliveries {
		switch {
		case d.Message.Check() != nil:
			results[i] = push.Result{Outcome: push.Refused, Reason: push.BadMessage}
		case d.To.Check() != nil:
			results[i] = push.Result{Outcome: push.TokenDead, Reason: push.BadToken}
		default:
			messages = append(messages, encode(d, now))
			places = append(places, i)
		}
	}
	var wait sync.WaitGroup
	slots := make(chan struct{}, calls)
	for start := 0; start < len(messages); start += batch {
		end := min(start+batch, len(messages))
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			s.call(ctx, messages[start:end], places[start:end], results)
		})
	}
	wait.Wait()
	return results
}

// call sends one batch and writes each answer to its place; batches write to places of their own.
func (s *Sender) call(ctx context.Context, messages []*messaging.Message, places []int, results []push.Result) {
	answer, err := s.client.SendEach(ctx, messages)
	if err != nil {
		// The SDK refuses a batch before it sends any of it: what encode made is not a message, which is our mistake.
		for _, place := range places {
			results[place] = push.Result{Outcome: push.Refused, Reason: push.BadMessage}
		}
		return
	}
	for i, place := range places {
		if answer.Responses[i].Error != nil && ctx.Err() != nil {
			results[place] = push.Result{Reason: push.Network}
			continue
		}
		results[place] = classify(answer.Responses[i], s.now())
	}
}

var _ push.Sender = (*Sender)(nil)
