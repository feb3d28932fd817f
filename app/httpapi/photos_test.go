package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/scanning"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/qr/picture"
	"github.com/medcard/medcard/qr/scan"
	"github.com/medcard/medcard/qr/trust"
)

// TestScanPhoto sends photos as a phone or a pharmacy does.
func TestScanPhoto(t *testing.T) {
	const text = "EMC1:A CODE THAT THE JUDGE KNOWS"
	api := New(Config{
		Clock: time.Now, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		Ready: func(context.Context) error { return nil },
		Verify: func(_ context.Context, shown oauth.Shown) (identity.Actor, error) {
			if shown.Token != "pharmacy" {
				return identity.Actor{}, fault.New(fault.Unauthenticated, "token.unknown", "Who are you?")
			}
			return identity.Actor{Kind: identity.Pharmacy}, nil
		},
		Services: Services{Scanning: &scanning.Service{
			Photos: scan.NewReader(scan.Options{}).Read,
			Judge: func(_ context.Context, actor identity.Actor, got string) (trust.Verdict, error) {
				if actor.Kind != identity.Pharmacy || got != text {
					t.Errorf("the judge was asked by %v about %q", actor.Kind, got)
				}
				return trust.Verdict{Answer: trust.No, Reasons: []trust.Reason{trust.IsDispensed}}, nil
			},
		}},
	})
	code, err := picture.Draw(text)
	if err != nil {
		t.Fatal(err)
	}
	var photo bytes.Buffer
	if err := code.PNG(&photo, 4); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, bearer string
		body         []byte
		status       int
		says         string
	}{
		{"a photo", "pharmacy", photo.Bytes(), 200, `"verdict":"no","reasons":["dispensed"]`},
		{"nobody", "", photo.Bytes(), 401, ""},
		{"nothing", "pharmacy", nil, 400, ""},
		{"a page", "pharmacy", []byte("%PDF-1.7"), 415, `"code":"scan.format"`},
		{"cut short", "pharmacy", photo.Bytes()[:photo.Len()/2], 400, `"code":"scan.damaged"`},
		{"too many bytes", "pharmacy", append(bytes.Clone(photo.Bytes()), make([]byte, maxPhoto-photo.Len())...), 413, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodPost, "/v1/scan", bytes.NewReader(tc.body))
			request.Header.Set("Content-Type", "image/png")
			if tc.bearer != "" {
				request.Header.Set("Authorization", "Bearer "+tc.bearer)
			}
			answer, err := api.app.Test(request, 10_000)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != tc.status || !bytes.Contains(body, []byte(tc.says)) || !json.Valid(body) {
				t.Errorf("%v, %d, %s", err, answer.StatusCode, body)
			}
		})
	}
}
