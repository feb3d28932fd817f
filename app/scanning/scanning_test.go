package scanning_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"image"
	"image/draw"
	"image/png"
	"testing"
	"time"

	"github.com/medcard/medcard/app/scanning"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/foreign"
	"github.com/medcard/medcard/qr/picture"
	"github.com/medcard/medcard/qr/scan"
	"github.com/medcard/medcard/qr/trust"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clinic signs referrals and knows what it issued.
type clinic struct {
	key  qr.SigningKey
	mark trust.Mark
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	key, err := qr.NewSigningKey("clinic-1", qr.Referral, ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return &clinic{key, trust.Valid}
}

func (c *clinic) judge(_ context.Context, _ identity.Actor, text string) (trust.Verdict, error) {
	keys := trust.KeySet{IssuedAt: now, Expires: now.Add(trust.KeySetTerm), Keys: []trust.Key{{
		Key: c.key.Key, NotBefore: now.Add(-time.Hour), LastIssue: now.Add(time.Hour), LastVerify: now.Add(time.Hour), Standing: trust.Active,
	}}}
	return trust.Judge(text, trust.Knowledge{
		Keys:    keys,
		Status:  func(string, qr.StatusRef) (trust.Mark, time.Time, bool) { return c.mark, now, true },
		Longest: document.Longest,
	}, now), nil
}

// refer issues a referral; its number tells one from another.
func (c *clinic) refer(t *testing.T, number byte) (text, token string) {
	t.Helper()
	r := referral.Referral{
		Token:    referral.Token{number},
		IssuedAt: now, ValidUntil: now.Add(30 * 24 * time.Hour),
		Sheet: referral.Sheet{
			Kind: referral.Consultation, Care: referral.Planned,
			Bearer: identity.Bearer{Initials: "ИПС", BirthYear: 1961},
			Clinic: "1027700132195", Purpose: "кардиолог", Referrer: "Иванова А. А.", Days: 30,
		},
	}
	text, err := document.SealReferral(r, qr.StatusRef{List: 1, Index: uint32(number)}, c.key)
	if err != nil {
		t.Fatal(err)
	}
	return text, qr.TokenText(qr.TokenID{number})
}

// photo puts codes side by side on one sheet.
func photo(t *testing.T, texts ...string) []byte {
	t.Helper()
	var codes []image.Image
	width, height := 40, 40
	for _, text := range texts {
		code, err := picture.Draw(text)
		if err != nil {
			t.Fatal(err)
		}
		var data bytes.Buffer
		if err := code.PNG(&data, 4); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&data)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, img)
		width += img.Bounds().Dx()
		height = max(height, img.Bounds().Dy())
	}
	sheet := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(sheet, sheet.Bounds(), image.White, image.Point{}, draw.Src)
	x := 0
	for _, img := range codes {
		draw.Draw(sheet, img.Bounds().Add(image.Pt(x, 0)), img, image.Point{}, draw.Src)
		x += img.Bounds().Dx()
	}
	var out bytes.Buffer
	if err := png.Encode(&out, sheet); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (c *clinic) service() *scanning.Service {
	return &scanning.Service{Photos: scan.NewReader(scan.Options{Time: time.Minute}).Read, Judge: c.judge, Clock: func() time.Time { return now }}
}

// covid is a COVID certificate of the EU's form, made up and signed by nobody who is known.
const covid = "HC1:6BF%RN%TSMAHN-H UOMB4JNMT-M-2E3+OLV4RIAMTR1C3 YKTQGIG6PF6R:5SVBWVBDKBYLDZ4D74D$ZJ*DJWP42W5X2S%IU.ZJT*QI%K/YNCBP*%N3-SY$N*YE27A2.3UBRM.SY$NGP2 :77CPP$I/XK$M8-L96YB8L44N4:%OD3P5B9-NT0 2$$0X4PCY0+-CS-O:S9395*CBVZ01/GLX4Z 20OPKD9G94ZJJY 84IJZJJ1W4*$I*NVPC1LJL4A7%83*LP1W0QC8$.AIGCY0K5$0I.AT94./GVYCDEBD0HX2JN*4CY035TPHN6D7LLK*2HG%89UV-0LZ 2MKN4NN3F85QNCY0O%0VZ001H9B9LGF3XHP/H172E+4AMAWBN.WC+2ABAE0BMG%KPR5T714SDX06 0M8S6+%KLI1 FTG2II$QOYAX:A-LF.YOY3H3.5LZHV$5Q-8Z4OI3ENT5AL3EWUZEF000U50HDWZYUG3"

func TestSomebodyElsesCertificateIsShownAsWhatItIs(t *testing.T) {
	reading, err := newClinic(t).service().Read(context.Background(), identity.Actor{}, photo(t, covid))
	if err != nil || len(reading.Findings) != 1 {
		t.Fatal(reading, err)
	}
	f := reading.Findings[0]
	if f.Kind != scan.HC1 || f.Answer != scanning.Foreign || f.Paper != nil || f.Foreign == nil || f.Foreign.Kind != foreign.EUDCC ||
		f.Foreign.Answer != foreign.NotChecked || f.Foreign.Holder != "Anna Müller" || len(f.Foreign.Statements) != 1 {
		t.Errorf("%+v %+v", f, f.Foreign)
	}
}

func TestVerdicts(t *testing.T) {
	c := newClinic(t)
	full, token := c.refer(t, 1)
	other, otherToken := c.refer(t, 2)
	tampered := []byte(full)
	tampered[len(tampered)-3] ^= 1 // of two neighbours in the alphabet: still base45
	forged := string(tampered)
	type want struct {
		kind   scan.Kind
		answer scanning.Answer
		reason trust.Reason
		paper  bool
	}
	genuine := want{scan.EMC1, scanning.Genuine, "", true}
	cases := []struct {
		name  string
		codes []string
		mark  trust.Mark
		want  []want
	}{
		{"one", []string{full}, trust.Valid, []want{genuine}},
		{"two documents do not become one", []string{full, other}, trust.Valid, []want{genuine, genuine}},
		{"two copies of one document are one", []string{full, full}, trust.Valid, []want{genuine}},
		{"a document and its own token", []string{full, token}, trust.Valid, []want{genuine}},
		{"a document and another's token", []string{full, otherToken}, trust.Valid, []want{genuine, {scan.EMC1Token, scanning.Undecided, trust.OnlineOnly, false}}},
		{"revoked: refused, and still shown", []string{full}, trust.Revoked, []want{{scan.EMC1, scanning.Refused, trust.IsRevoked, true}}},
		{"tampered: refused, nothing shown", []string{forged}, trust.Valid, []want{{scan.EMC1, scanning.Refused, trust.BadSignature, false}}},
		{"foreign", []string{"HTTPS://EXAMPLE.ORG/PAY", "HC1:6BF"}, trust.Valid, []want{{scan.Other, scanning.Foreign, "", false}, {scan.HC1, scanning.Foreign, "", false}}},
		{"none", nil, trust.Valid, nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c.mark = tc.mark
			reading, err := c.service().Read(context.Background(), identity.Actor{}, photo(t, tc.codes...))
			if err != nil {
				t.Fatal(err)
			}
			got := map[want]int{} // the order in which codes are found says nothing
			for _, f := range reading.Findings {
				w := want{f.Kind, f.Answer, "", f.Paper != nil}
				if len(f.Reasons) > 0 {
					w.reason = f.Reasons[0]
				}
				got[w]++
				if f.Paper != nil && f.Paper.Referral.Bearer.Initials != "ИПС" {
					t.Errorf("the paper is another: %+v", f.Paper)
				}
			}
			for _, w := range tc.want {
				got[w]--
			}
			for w, n := range got {
				if n != 0 {
					t.Errorf("%+v: %+d", w, n)
				}
			}
		})
	}
}

func TestFaults(t *testing.T) {
	cases := []struct {
		err  error
		want *fault.Fault
		kind fault.Kind
	}{
		{&scan.UnsupportedError{Format: "heic", Hint: "x"}, scanning.ErrFormat, fault.Unsupported},
		{&scan.UnsupportedError{}, scanning.ErrFormat, fault.Unsupported},
		{scan.ErrTooLarge, scanning.ErrTooLarge, fault.TooLarge},
		{scan.ErrDamaged, scanning.ErrDamaged, fault.Malformed},
		{scan.ErrBusy, scanning.ErrBusy, fault.Unavailable},
	}
	for _, tc := range cases {
		s := scanning.Service{Photos: func(context.Context, []byte) (scan.Result, error) { return scan.Result{}, tc.err }}
		_, err := s.Read(context.Background(), identity.Actor{}, nil)
		if !errors.Is(err, tc.want) || !errors.Is(err, tc.err) || fault.KindOf(err) != tc.kind {
			t.Errorf("%v: got %v", tc.err, err)
		}
	}
	s := scanning.Service{Photos: func(context.Context, []byte) (scan.Result, error) { return scan.Result{}, context.Canceled }}
	if _, err := s.Read(context.Background(), identity.Actor{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left: %v", err)
	}
}

// TestHintsNameTheFormat: the person who sent a HEIC photo is told what to do with a HEIC photo.
func TestHintsNameTheFormat(t *testing.T) {
	heic := append([]byte("\x00\x00\x00\x18ftypheic"), make([]byte, 40)...)
	_, err := newClinic(t).service().Read(context.Background(), identity.Actor{}, heic)
	if f := fault.From(err); f.Code != "scan.format" || f.Text == scanning.ErrFormat.Text {
		t.Errorf("got %v", err)
	}
	if scanning.ErrFormat.Text != "Send the photo as JPEG, PNG or WebP." {
		t.Error("the sentinel itself was changed")
	}
}
