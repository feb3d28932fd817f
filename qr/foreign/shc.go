package foreign

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
)

const (
	shcPrefix = "shc:/"
	maxDigits = 7089 // what the largest QR code holds
	maxParts  = 99
)

// sealedSHC is a JWS whose signature nobody has checked yet.
type sealedSHC struct {
	message   string // header and payload as they were signed
	signature []byte
	header    struct {
		Algorithm string `json:"alg"`
		Packed    string `json:"zip"`
		KeyID     string `json:"kid"`
	}
	card healthCard
}

func readSHC(text string, keys Keys, now time.Time) Certificate {
	digits := text[len(shcPrefix):]
	if strings.Contains(digits, "/") {
		return readPart(digits)
	}
	sealed, err := openSHC(digits)
	if err != nil {
		return refuse(SmartHealthCard, BadFormat)
	}
	answer := NotChecked
	for _, key := range keys.find(SmartHealthCard, sealed.header.KeyID, sealed.card.Issuer) {
		answer = NotGenuine
		if key.fits(algES256) && key.holds([]byte(sealed.message), sealed.signature) {
			answer = Genuine
			break
		}
	}
	if answer == NotGenuine {
		return refuse(SmartHealthCard, BadSignature)
	}
	c := Certificate{
		Kind: SmartHealthCard, Answer: answer, Issuer: shown(sealed.card.Issuer), KeyID: shown(sealed.header.KeyID),
		IssuedAt: date(sealed.card.NotBefore), Expires: date(sealed.card.Expires),
	}
	if !sealed.card.describe(&c) {
		c.no(BadContent)
	}
	c.inTime(now)
	if answer == NotChecked {
		c.Reasons = append(c.Reasons, UnknownKey)
	}
	return c
}

// readPart recognises one of the codes of a card that did not fit into one. Cards are no longer made so.
func readPart(digits string) Certificate {
	parts := strings.Split(digits, "/")
	if len(parts) != 3 {
		return refuse(SmartHealthCard, BadFormat)
	}
	n, err := strconv.Atoi(parts[0])
	of, err2 := strconv.Atoi(parts[1])
	if _, bad := fromDigits(parts[2]); err != nil || err2 != nil || bad != nil || n < 1 || n > of || of > maxParts {
		return refuse(SmartHealthCard, BadFormat)
	}
	return Certificate{Kind: SmartHealthCard, Answer: NotChecked, Reasons: []Reason{IsPart}, Part: n, Parts: of}
}

// fromDigits undoes the numeric form: two digits are a character less 45.
func fromDigits(digits string) (string, error) {
	if len(digits) == 0 || len(digits)%2 != 0 || len(digits) > maxDigits {
		return "", errFormat
	}
	text := make([]byte, len(digits)/2)
	for i := range text {
		tens, ones := digits[2*i]-'0', digits[2*i+1]-'0'
		if tens > 9 || ones > 9 || tens*10+ones > 'z'-45 {
			return "", errFormat
		}
		text[i] = tens*10 + ones + 45
	}
	return string(text), nil
}

func openSHC(digits string) (s sealedSHC, err error) {
	jws, err := fromDigits(digits)
	if err != nil {
		return s, err
	}
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return s, errFormat
	}
	var decoded [3][]byte
	for i, part := range parts {
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return s, errFormat
		}
	}
	if json.Unmarshal(decoded[0], &s.header) != nil || s.header.Algorithm != "ES256" || s.header.Packed != "DEF" {
		return s, errFormat
	}
	content, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(decoded[1])), maxContent+1))
	if err != nil || len(content) > maxContent || json.Unmarshal(content, &s.card) != nil {
		return s, errFormat
	}
	s.message, s.signature = parts[0]+"."+parts[1], decoded[2]
	return s, nil
}

// healthCard is as much of the payload as is shown.
type healthCard struct {
	Issuer     string   `json:"iss"`
	NotBefore  *float64 `json:"nbf"`
	Expires    *float64 `json:"exp"`
	Credential struct {
		Types   []string `json:"type"`
		Subject struct {
			Version string `json:"fhirVersion"`
			Bundle  struct {
				Entries []struct {
					Resource resource `json:"resource"`
				} `json:"entry"`
			} `json:"fhirBundle"`
		} `json:"credentialSubject"`
	} `json:"vc"`
}

func date(seconds *float64) *time.Time {
	if seconds == nil {
		return nil
	}
	return moment(*seconds)
}

type coded struct {
	Coding []struct {
		System string `json:"system"`
		Code   string `json:"code"`
	} `json:"coding"`
	Text string `json:"text"`
}

func (c coded) field(name string) (f []Field) {
	for _, coding := range c.Coding {
		if code := shown(coding.Code); code != "" {
			return []Field{{name, strings.TrimPrefix(shown(coding.System)+"|"+code, "|")}}
		}
	}
	if text := shown(c.Text); text != "" {
		return []Field{{name, text}}
	}
	return nil
}

// resource is as much of a FHIR resource as is shown.
type resource struct {
	Type string `json:"resourceType"`
	Name []struct {
		Family string   `json:"family"`
		Given  []string `json:"given"`
		Text   string   `json:"text"`
	} `json:"name"`
	Born      string          `json:"birthDate"`
	Status    string          `json:"status"`
	Vaccine   coded           `json:"vaccineCode"`
	Code      json.RawMessage `json:"code"` // a code, or a concept, by the type
	Lot       string          `json:"lotNumber"`
	Occurred  string          `json:"occurrenceDateTime"`
	Effective string          `json:"effectiveDateTime"`
	Value     coded           `json:"valueCodeableConcept"`
	Text      string          `json:"valueString"`
	Performer []struct {
		Actor   struct{ Display string } `json:"actor"`
		Display string                   `json:"display"`
	} `json:"performer"`
}

// describe fills a certificate and reports whether there is a patient and something that is said of him.
func (h healthCard) describe(c *Certificate) bool {
	for _, entry := range h.Credential.Subject.Bundle.Entries {
		r := entry.Resource
		if r.Type == "Patient" {
			c.Born = shown(r.Born)
			for _, name := range r.Name[:min(1, len(r.Name))] {
				c.Holder = shown(strings.Join(append(name.Given, name.Family), " "))
				if c.Holder == "" {
					c.Holder = shown(name.Text)
				}
			}
			continue
		}
		if len(c.Statements) < maxStatements && r.Type != "" {
			c.Statements = append(c.Statements, r.statement())
		}
	}
	return h.Issuer != "" && c.Holder != "" && len(c.Statements) > 0
}

func (r resource) statement() Statement {
	s := Statement{What: What(strings.ToLower(shown(r.Type))), Fields: []Field{}}
	switch r.Type {
	case "Immunization":
		s.What = Vaccination
	case "Observation":
		s.What = Test
	}
	var code coded
	_ = json.Unmarshal(r.Code, &code) // of other types it may be something else
	s.Fields = append(s.Fields, r.Vaccine.field("product")...)
	s.Fields = append(s.Fields, code.field("code")...)
	s.Fields = append(s.Fields, r.Value.field("result")...)
	for _, f := range []Field{{"result", r.Text}, {"date", r.Occurred}, {"date", r.Effective}, {"lot", r.Lot}, {"status", r.Status}} {
		if f.Value = shown(f.Value); f.Value != "" {
			s.Fields = append(s.Fields, f)
		}
	}
	for _, p := range r.Performer[:min(1, len(r.Performer))] {
		if who := shown(p.Actor.Display + p.Display); who != "" {
			s.Fields = append(s.Fields, Field{"issuedBy", who})
		}
	}
	return s
}
