package pushtest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func post(t *testing.T, s *Server, path, body, bearer string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// The stub is worth something only if it refuses what FCM refuses.
func TestItIsAsStrictAsFCM(t *testing.T) {
	s, err := Start("p")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const path = "/v1/projects/p/messages:send"
	message := func(m string) string { return `{"message":` + m + `}` }
	tests := map[string]struct {
		path, body string
		status     int
		tells      string
	}{
		"a message":              {path, message(`{"token":"t","data":{"a":"b"}}`), 200, `"name": "projects/p/messages/`},
		"a trial":                {path, `{"validate_only":true,"message":{"token":"t"}}`, 200, "projects/p"},
		"another project":        {"/v1/projects/q/messages:send", message(`{"token":"t"}`), 404, "NOT_FOUND"},
		"another call":           {"/v1/projects/p/messages:fling", message(`{"token":"t"}`), 404, "NOT_FOUND"},
		"no JSON":                {path, `{"message":`, 400, "INVALID_ARGUMENT"},
		"no message":             {path, `{}`, 400, "INVALID_ARGUMENT"},
		"no target":              {path, message(`{"data":{"a":"b"}}`), 400, "exactly one target"},
		"two targets":            {path, message(`{"token":"t","topic":"u"}`), 400, "exactly one target"},
		"an unknown field":       {path, message(`{"token":"t","diagnosis":"x"}`), 400, "INVALID_ARGUMENT"},
		"a number in the data":   {path, message(`{"token":"t","data":{"a":1}}`), 400, "INVALID_ARGUMENT"},
		"a reserved key":         {path, message(`{"token":"t","data":{"from":"b"}}`), 400, "message.data"},
		"a duration in words":    {path, message(`{"token":"t","android":{"ttl":"an hour"}}`), 400, "message.android.ttl"},
		"too big":                {path, message(`{"token":"t","data":{"a":"` + strings.Repeat("x", 4096) + `"}}`), 400, "too big"},
		"urgent data to Apple":   {path, message(`{"token":"t","apns":{"headers":{"apns-priority":"10"},"payload":{"aps":{"content-available":1}}}}`), 400, "message.apns.headers"},
		"patient data to Apple":  {path, message(`{"token":"t","apns":{"headers":{"apns-priority":"5"},"payload":{"aps":{"content-available":1}}}}`), 200, "projects/p"},
		"an alert at full speed": {path, message(`{"token":"t","apns":{"headers":{"apns-priority":"10"},"payload":{"aps":{"alert":{"title":"x"}}}}}`), 200, "projects/p"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			status, answer := post(t, s, tt.path, tt.body, "")
			if status != tt.status || !strings.Contains(answer, tt.tells) {
				t.Errorf("%d %s; want %d with %q", status, answer, tt.status, tt.tells)
			}
		})
	}
	if got := len(s.Messages()); got != 3 {
		t.Errorf("%d messages were kept, want the 3 that were accepted and no trial", got)
	}
}

func TestItAsksForTheBearer(t *testing.T) {
	s, err := Start("p")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Demand("right")
	for bearer, want := range map[string]int{"": 401, "wrong": 401, "right": 200} {
		if status, _ := post(t, s, "/v1/projects/p/messages:send", `{"message":{"token":"t"}}`, bearer); status != want {
			t.Errorf("bearer %q: %d, want %d", bearer, status, want)
		}
	}
	if status, _ := post(t, s, "/token", "grant_type=password", ""); status != 400 {
		t.Errorf("the token endpoint of a stub without accounts answers %d", status)
	}
}

func TestRouletteIsFairAndRepeats(t *testing.T) {
	s, err := Start("p")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	spin := func() (statuses string) {
		s.Roulette(0.3, 42, Internal(), Unavailable())
		for range 100 {
			status, _ := post(t, s, "/v1/projects/p/messages:send", `{"message":{"token":"t"}}`, "")
			statuses += fmt.Sprint(status, " ")
		}
		return statuses
	}
	first := spin()
	if failed := 100 - strings.Count(first, "200"); failed < 15 || failed > 45 {
		t.Errorf("%d of 100 failed, want about 30", failed)
	}
	if spin() != first {
		t.Error("the same seed gave another run")
	}
}

func TestWait(t *testing.T) {
	s, err := Start("p")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Wait(ctx, "t"); err == nil {
		t.Error("waited for nothing and found it")
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		body := strings.NewReader(`{"message":{"token":"t","data":{"a":"b"}}}`)
		if response, err := http.Post(s.URL+"/v1/projects/p/messages:send", "application/json", body); err == nil {
			_ = response.Body.Close()
		}
	}()
	ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	got, err := s.Wait(ctx, "t")
	if err != nil || got.Data["a"] != "b" {
		t.Errorf("%v, %v", got, err)
	}
	<-sent
}
