package problem

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestFrom(t *testing.T) {
	answer := func(status int, media, body, retry string) *http.Response {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}, "Retry-After": {retry}}, Body: io.NopCloser(strings.NewReader(body))}
	}
	p := From(answer(409, "application/problem+json; charset=utf-8",
		`{"type":"urn:medcard:problem:prescription.in_work","title":"Conflict","status":200,"code":"prescription.in_work","detail":"Held.","state":"in_work","fields":[{"where":"body.x","why":"is odd"}],"requestId":"r1"}`, "7"))
	if p.Status != 409 || p.Code != "prescription.in_work" || p.State != "in_work" || p.RetryAfter != 7*time.Second || len(p.Fields) != 1 || p.RequestID != "r1" {
		t.Errorf("%+v", p)
	}
	if p.Error() != "409 prescription.in_work (in_work): Held." {
		t.Error(p.Error())
	}
	for name, r := range map[string]*http.Response{
		"a proxy's page":     answer(502, "text/html", "<html>secret</html>", ""),
		"torn JSON":          answer(502, "application/problem+json", `{"code":"x`, "soon"),
		"without a code":     answer(502, "application/problem+json", `{"detail":"secret"}`, "-1"),
		"no media type":      answer(502, "", `{"code":"x","detail":"secret"}`, "99999999999999999999"),
		"larger than looked": answer(502, "application/problem+json", `{"code":"x","detail":"`+strings.Repeat("secret", 20_000)+`"}`, ""),
	} {
		p := From(r)
		if p.Status != 502 || p.Code != "http" || strings.Contains(p.Error(), "secret") || p.RetryAfter != 0 {
			t.Errorf("%s: %v", name, p)
		}
	}
}
