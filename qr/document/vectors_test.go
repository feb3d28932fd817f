package document_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/trust"
)

var update = flag.Bool("update", false, "write qr/testdata/vectors.json anew")

const vectorsFile = "../testdata/vectors.json"

// vectors is the file for whoever writes another reader: layer by layer, what is in a code and what the answer to it is. Everything
// follows from fixed seeds, so making it again gives the same bytes.
type vectors struct {
	About   string   `json:"about"`
	Now     int64    `json:"now"`
	Root    string   `json:"root"`   // public key
	KeySet  string   `json:"keySet"` // signed, as served
	Status  string   `json:"status"` // signed list 7, as served to pharmacies
	Vectors []vector `json:"vectors"`
}

type vector struct {
	Name    string   `json:"name"`
	Text    string   `json:"text"`
	Now     int64    `json:"now,omitempty"` // if another than the file's
	Answer  string   `json:"answer"`
	Reasons []string `json:"reasons"`

	// The layers, as far down as the text can be taken apart.
	COSE      string `json:"cose,omitempty"`
	Protected string `json:"protected,omitempty"`
	Payload   string `json:"payload,omitempty"`
	Signature string `json:"signature,omitempty"`
	External  string `json:"external,omitempty"` // the additional data under which the signature holds
	Public    string `json:"public,omitempty"`
	Claims    any    `json:"claims,omitempty"` // CBOR diagnostic notation
}

// world is a small country: a root, its key set, one status list.
type world struct {
	root    qr.SigningKey
	keys    map[string]qr.SigningKey
	set     trust.KeySet
	keySet  []byte
	status  []byte
	marks   *trust.StatusList
	cache   *trust.Cache
	entropy byte
}

const listNumber = 7

var worldNow = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

const (
	day       = 24 * time.Hour
	placeOK   = 100_123
	placeGone = 5
	placeBack = 77
	placeNone = 9
)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{keys: map[string]qr.SigningKey{}}
	make := func(name, issuer string, usage qr.Usage) qr.SigningKey {
		seed := make([]byte, ed25519.SeedSize)
		copy(seed, "EMC1 vectors: "+name)
		key, err := qr.NewSigningKey(issuer, usage, ed25519.NewKeyFromSeed(seed))
		if err != nil {
			t.Fatal(err)
		}
		w.keys[name] = key
		return key
	}
	w.root = make("root", "medcard-root", qr.KeySet)
	w.set = trust.KeySet{Sequence: 12, IssuedAt: worldNow.Add(-2 * day), Expires: worldNow.Add(5 * day), Lists: []uint32{listNumber}}
	for name, usage := range map[string]qr.Usage{"rx": qr.Prescription, "ref": qr.Referral, "cert": qr.Certificate, "status": qr.StatusList, "old": qr.Prescription, "stolen": qr.Prescription, "new number": qr.Prescription} {
		key := make(name, "medcard-moscow", usage)
		if name == "new number" {
			key.Algorithm = qr.Ed25519
			w.keys[name] = key
		}
		entry := trust.Key{Key: key.Key, NotBefore: worldNow.Add(-40 * day), LastIssue: worldNow.Add(50 * day), LastVerify: worldNow.Add(420 * day), Standing: trust.Active}
		switch name {
		case "old":
			entry.Standing = trust.Retired
			entry.NotBefore, entry.LastIssue = worldNow.Add(-120*day), worldNow.Add(-30*day)
		case "stolen":
			entry.Standing = trust.Compromised
		}
		w.set.Keys = append(w.set.Keys, entry)
	}
	slices.SortFunc(w.set.Keys, func(a, b trust.Key) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	make("stranger", "medcard-moscow", qr.Prescription)

	list := trust.NewStatusList(listNumber, worldNow.Add(-10*time.Minute))
	for place, mark := range map[uint32]trust.Mark{placeOK: trust.Valid, placeGone: trust.Spent, placeBack: trust.Revoked} {
		if err := list.Set(place, mark); err != nil {
			t.Fatal(err)
		}
	}
	w.marks = list
	var err error
	if w.keySet, err = trust.SealKeySet(w.set, w.root); err != nil {
		t.Fatal(err)
	}
	if w.status, err = trust.SealStatus(list, w.keys["status"]); err != nil {
		t.Fatal(err)
	}
	if w.cache, err = trust.NewCache(w.root.Key); err != nil {
		t.Fatal(err)
	}
	if err := w.cache.AcceptKeys(w.keySet); err != nil {
		t.Fatal(err)
	}
	if _, err := w.cache.AcceptStatus(w.status); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) judge(text string, now time.Time) trust.Verdict {
	return w.cache.Judge(text, trust.Knowledge{Longest: document.Longest}, now)
}

func sheet() prescription.Sheet {
	return prescription.Sheet{
		Form: prescription.Ordinary, Validity: prescription.Days60, Bearer: identity.NewBearer(1956, "Иванова", "Анна", "Петровна"),
		Clinic: "1027700132195", Prescriber: "Соколов М. И.",
		Items: []prescription.Item{{
			Code: 5231, Name: "Метформин", Shape: prescription.Tablet, Strength: []prescription.Strength{{Amount: 500, Unit: prescription.Milligram}},
			Quantity: 60, Regimen: prescription.Regimen{Portion: 100, Times: 2, Days: 30},
		}},
	}
}

// rx seals a prescription that was issued so long ago.
func (w *world) rx(t testing.TB, key string, ago time.Duration, place uint32) string {
	t.Helper()
	w.entropy++
	p, err := prescription.Issue("id", "card", prescription.Token{0: 0xE1, 15: w.entropy}, sheet(), worldNow.Add(-ago), time.FixedZone("MSK", 3*60*60))
	if err != nil {
		t.Fatal(err)
	}
	text, err := document.SealPrescription(p, qr.StatusRef{List: listNumber, Index: place}, w.keys[key])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (w *world) ref(t testing.TB) string {
	t.Helper()
	w.entropy++
	r, err := referral.Issue("id", "card", referral.Token{0: 0xEF, 15: w.entropy}, referral.Sheet{
		Kind: referral.Consultation, Care: referral.Planned, Bearer: identity.NewBearer(1956, "Иванова", "Анна", "Петровна"), Clinic: "1027700132195",
		Specialty: 26, Purpose: "Консультация кардиолога", Referrer: "Соколов М. И.", Days: 30,
	}, worldNow.Add(-3*day), time.FixedZone("MSK", 3*60*60))
	if err != nil {
		t.Fatal(err)
	}
	text, err := document.SealReferral(r, qr.StatusRef{List: listNumber, Index: placeOK}, w.keys["ref"])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (w *world) cert(t testing.TB, place uint32) string {
	t.Helper()
	w.entropy++
	c, err := certificate.Issue("id", "card", certificate.Token{0: 0xCE, 15: w.entropy}, certificate.Sheet{
		Kind: "086/u", Number: "2026-114", Bearer: identity.NewBearer(2008, "Иванова", "Анна", "Петровна"), Clinic: "1027700132195",
		Author: "Соколов М. И.", Text: certificateText, Days: 180,
	}, worldNow.Add(-3*day), time.FixedZone("MSK", 3*60*60))
	if err != nil {
		t.Fatal(err)
	}
	text, err := document.SealCertificate(c, qr.StatusRef{List: listNumber, Index: place}, w.keys["cert"])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const certificateText = "Годна к обучению по специальности."

type layers struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected cbor.RawMessage
	Payload     []byte
	Signature   []byte
}

// take takes a text apart with nothing but base45 and a generic CBOR decoder.
func take(text string) (data []byte, l layers, ok bool) {
	encoded, ok := strings.CutPrefix(text, "EMC1:")
	if !ok {
		return nil, l, false
	}
	data, err := decodeBase45(encoded)
	return data, l, err == nil && cbor.Unmarshal(data, &l) == nil
}

// resign changes the payload of a code and signs it with a key, as a text.
func resign(t testing.TB, text string, key qr.SigningKey, change func(payload []byte) []byte) string {
	t.Helper()
	_, l, ok := take(text)
	if !ok {
		t.Fatal("cannot be taken apart")
	}
	sealed, err := qr.Sign(change(l.Payload), key)
	if err != nil {
		t.Fatal(err)
	}
	return "EMC1:" + encodeBase45(sealed)
}

func rewrap(text string, change func([]byte) []byte) string {
	data, _, _ := take(text)
	return "EMC1:" + encodeBase45(change(slices.Clone(data)))
}

func replace(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
}

func same(b []byte) []byte { return b }

// made lists all vectors, each with what must be said of it.
func (w *world) made(t testing.TB) []vector {
	good := w.rx(t, "rx", 3*day, placeOK)
	three := func() string {
		s := sheet()
		second, third := s.Items[0], s.Items[0]
		second.Code, second.Name = 7001, "Амлодипин+Валсартан"
		second.Strength = []prescription.Strength{{Amount: 5, Unit: prescription.Milligram}, {Amount: 160, Unit: prescription.Milligram}}
		third.Code, third.Name, third.Shape = 64_000, "Левотироксин натрия", prescription.Capsule
		third.Strength = []prescription.Strength{{Amount: 75, Unit: prescription.Microgram}}
		s.Items = append(s.Items, second, third)
		p, err := prescription.Issue("id", "card", prescription.Token{0xE3}, s, worldNow.Add(-day), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		text, err := document.SealPrescription(p, qr.StatusRef{List: listNumber, Index: placeOK}, w.keys["rx"])
		if err != nil {
			t.Fatal(err)
		}
		return text
	}()
	later := worldNow.Add(70 * day)
	v := func(name, text, answer string, reasons ...string) vector {
		if reasons == nil {
			reasons = []string{}
		}
		return vector{Name: name, Text: text, Answer: answer, Reasons: reasons}
	}
	at := func(v vector, now time.Time) vector { v.Now = now.Unix(); return v }
	list := []vector{
		v("prescription, one item", good, "OK"),
		v("prescription, three items", three, "OK"),
		v("referral", w.ref(t), "OK"),
		v("certificate", w.cert(t, placeOK), "OK"),
		v("algorithm by its number -19", w.rx(t, "new number", 3*day, placeOK), "OK"),
		v("issued by a key that has retired since", w.rx(t, "old", 31*day, placeOK), "OK"),
		v("issued after the list was", w.rx(t, "rx", 5*time.Minute, placeNone), "OK"),
		v("token", qr.TokenText(qr.TokenID{0xE1, 2, 3}), "CANT_TELL_OFFLINE", "online_only"),
		v("by a compromised key", w.rx(t, "stolen", 3*day, placeOK), "CANT_TELL_OFFLINE", "key_compromised"),
		at(v("the list is three days old", good, "CANT_TELL_OFFLINE", "stale_status"), worldNow.Add(3*day)),
		at(v("the key set is stale too", good, "CANT_TELL_OFFLINE", "stale_keys", "stale_status"), worldNow.Add(6*day)),
		at(v("an unknown key while the key set is stale", w.rx(t, "stranger", 3*day, placeOK), "CANT_TELL_OFFLINE", "unknown_key", "stale_keys"), worldNow.Add(6*day)),
		at(v("the clock was set back", good, "CANT_TELL_OFFLINE", "wrong_clock"), worldNow.Add(-3*day+time.Minute)),
		v("by an unknown key", w.rx(t, "stranger", 3*day, placeOK), "NO", "unknown_key"),
		v("revoked", w.rx(t, "rx", 3*day, placeBack), "NO", "revoked"),
		v("certificate, revoked", w.cert(t, placeBack), "NO", "revoked"),
		v("handed out", w.rx(t, "rx", 3*day, placeGone), "NO", "dispensed"),
		v("unknown to its issuer", w.rx(t, "rx", 3*day, placeNone), "NO", "not_issued"),
		v("issued after its key's time", w.rx(t, "old", 3*day, placeOK), "NO", "key_not_in_force"),
		v("issued in the future", w.rx(t, "rx", -time.Hour, placeOK), "NO", "not_yet"),
		at(v("expired", good, "NO", "expired", "stale_keys", "stale_status"), later),
		v("a referral's key signs a prescription", resign(t, good, w.keys["ref"], same), "NO", "wrong_usage"),
		v("a certificate's key signs a prescription", resign(t, good, w.keys["cert"], same), "NO", "wrong_usage"),
		v("two bodies", resign(t, good, w.keys["rx"], func(p []byte) []byte {
			p[0]++
			return append(p, 0x3a, 0, 1, 0, 3, 0x80)
		}), "NO", "wrong_usage"),
		v("a claim twice", resign(t, good, w.keys["rx"], func(p []byte) []byte {
			issuer := p[1 : 3+len("medcard-moscow")]
			return slices.Concat([]byte{p[0] + 1}, issuer, issuer, p[1+len(issuer):])
		}), "NO", "bad_format"),
		v("claims in another order", resign(t, good, w.keys["rx"], func(p []byte) []byte {
			issuer := p[1 : 3+len("medcard-moscow")]
			return slices.Concat(p[:1], p[1+len(issuer):], issuer)
		}), "NO", "bad_format"),
		v("a claim that is not known", resign(t, good, w.keys["rx"], func(p []byte) []byte {
			p[0]++
			return append(p, 0x3a, 0, 1, 0, 9, 0x00)
		}), "NO", "bad_format"),
		v("another issuer", resign(t, good, w.keys["rx"], replace("medcard-moscow", "medcard-mosc0w")), "NO", "wrong_issuer"),
		v("a payload that was changed", rewrap(good, replace("Метформин", "Метформан")), "NO", "bad_signature"),
		v("a signature that was changed", rewrap(good, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), "NO", "bad_signature"),
		v("another algorithm", rewrap(good, replace("\x01\x27\x04", "\x01\x32\x04")), "NO", "wrong_algorithm"),
		v("valid for longer than its form allows", resign(t, good, w.keys["rx"], func(p []byte) []byte {
			at := bytes.IndexByte(p, 0x04) + 2 // the end, a number of four bytes
			p[at]++
			return p
		}), "NO", "too_long_valid"),
		v("a body of another form", resign(t, good, w.keys["rx"], replace("\x3a\x00\x01\x00\x00\x87\x01", "\x3a\x00\x01\x00\x00\x87\x09")), "NO", "bad_format"),
		v("with tag 18", rewrap(good, func(b []byte) []byte { return append([]byte{0xd2}, b...) }), "NO", "bad_format"),
		v("with an unprotected header", rewrap(good, func(b []byte) []byte { return slices.Concat(b[:15], []byte{0xa1, 0x01, 0x27}, b[16:]) }), "NO", "bad_format"),
		v("a header's label twice", rewrap(good, func(b []byte) []byte {
			return slices.Concat([]byte{0x84, 0x4f, 0xa3, 0x01, 0x27, 0x01, 0x27}, b[5:])
		}), "NO", "bad_format"),
		v("a certificate whose hash is cut short", resign(t, w.cert(t, placeOK), w.keys["cert"], func(p []byte) []byte {
			at := bytes.Index(p, []byte{0x58, 0x20}) // 32 bytes
			p[at+1] = 0x1f
			return slices.Delete(p, at+2, at+3)
		}), "NO", "bad_format"),
		v("a certificate of no kind", resign(t, w.cert(t, placeOK), w.keys["cert"], replace("\x3a\x00\x01\x00\x04\x85\x03", "\x3a\x00\x01\x00\x04\x85\x17")), "NO", "bad_format"),
		v("with a byte after the end", rewrap(good, func(b []byte) []byte { return append(b, 0) }), "NO", "bad_format"),
		v("a length written longer than needed", rewrap(good, func(b []byte) []byte { return append([]byte{0x98, 0x04}, b[1:]...) }), "NO", "bad_format"),
		v("of indefinite length", rewrap(good, func(b []byte) []byte { return slices.Concat([]byte{0x9f}, b[1:], []byte{0xff}) }), "NO", "bad_format"),
		v("a token of 15 bytes", "EMC1T:"+encodeBase45(make([]byte, 15)), "NO", "bad_format"),
		v("a token with a group out of range", "EMC1T::::"+encodeBase45(make([]byte, 14)), "NO", "bad_format"),
		v("in lower case", strings.ToLower(good), "NO", "bad_format"),
		v("cut short", good[:len(good)-3], "NO", "bad_format"),
		v("a base45 group out of range", "EMC1::::"+good[8:], "NO", "bad_format"),
		v("a rest of one character", good+"A", "NO", "bad_format"),
		v("somebody else's code", "HC1:NCFOXN%TSMAHN-H", "NO", "bad_format"),
		v("an address", "HTTPS://EXAMPLE.ORG/", "NO", "bad_format"),
	}
	for i := range list {
		w.layer(&list[i])
	}
	return list
}

// layer adds to a vector what its text consists of.
func (w *world) layer(v *vector) {
	data, l, ok := take(v.Text)
	if data != nil {
		v.COSE = hex.EncodeToString(data)
	}
	if !ok {
		return
	}
	v.Protected, v.Payload, v.Signature = hex.EncodeToString(l.Protected), hex.EncodeToString(l.Payload), hex.EncodeToString(l.Signature)
	if claims, err := cbor.Diagnose(l.Payload); err == nil {
		v.Claims = claims
	}
	for _, key := range w.keys {
		external := "emc-qr/v1/" + string(key.Usage)
		if ed25519.Verify(key.Public, toSign(l, external), l.Signature) {
			v.External, v.Public = external, hex.EncodeToString(key.Public)
		}
	}
}

// toSign is the Sig_structure of RFC 9052, section 4.4, by hand.
func toSign(l layers, external string) []byte {
	b := slices.Concat([]byte{0x84, 0x6a}, []byte("Signature1"))
	for _, part := range [][]byte{l.Protected, []byte(external), l.Payload} {
		head, _ := cbor.Marshal(part)
		b = append(b, head...)
	}
	return b
}

func TestVectors(t *testing.T) {
	w := newWorld(t)
	file := vectors{
		About: "EMC1 codes for readers: see the page of package qr. Times are Unix seconds, bytes are hexadecimal. Each vector is judged by the key set and the status list of this file.",
		Now:   worldNow.Unix(), Root: hex.EncodeToString(w.root.Public), KeySet: hex.EncodeToString(w.keySet), Status: hex.EncodeToString(w.status),
		Vectors: w.made(t),
	}
	for _, v := range file.Vectors {
		now := worldNow
		if v.Now != 0 {
			now = time.Unix(v.Now, 0)
		}
		verdict := w.judge(v.Text, now)
		if want := strings.Join(append([]string{v.Answer}, v.Reasons...), " "); verdict.String() != want {
			t.Errorf("%s: %v, want %s", v.Name, verdict, want)
		}
		// Nothing is handed out of a code whose signature does not hold by the key's usage.
		if holds := v.External != "" && v.Public != ""; verdict.Document != nil && !holds {
			t.Errorf("%s: its content was handed out", v.Name)
		}
	}

	// Compression may differ between versions of Go; what it unpacks to may not.
	committed, err := os.ReadFile(vectorsFile)
	var before vectors
	if err == nil && json.Unmarshal(committed, &before) == nil && !*update {
		status, err := hex.DecodeString(before.Status)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.cache.AcceptStatus(status); err != nil {
			t.Errorf("the committed status list: %v", err)
		}
		for _, place := range []uint32{placeOK, placeGone, placeBack, placeNone} {
			old, _, _ := w.cache.Status("medcard-moscow", qr.StatusRef{List: listNumber, Index: place})
			if old != w.marks.Mark(place) {
				t.Errorf("the committed status list has mark %d at place %d", old, place)
			}
		}
		file.Status = before.Status
	}

	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(file); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectorsFile, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err = os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, made.Bytes()) {
		t.Errorf("%s is not what is made today: a change of the format, or forgotten: go generate ./qr", vectorsFile)
	}
}

// Whoever changes one bit or one character of a code never hears OK, and never makes the reader fall over.
func TestEveryChangeIsFoundOut(t *testing.T) {
	w := newWorld(t)
	// Every bit of the prescription; of the referral, which goes the same way, one bit of each byte.
	for text, bits := range map[string]int{w.rx(t, "rx", 3*day, placeOK): 8, w.ref(t): 1} {
		if v := w.judge(text, worldNow); v.Answer != trust.OK {
			t.Fatal(v)
		}
		for i := range len(text) {
			for bit := range bits {
				changed := []byte(text)
				changed[i] ^= 1 << bit
				never(t, w, string(changed), "bit %d of character %d", bit, i)
			}
			never(t, w, text[:i]+text[i+1:], "without character %d", i)
			never(t, w, text[:i]+"0"+text[i:], "a 0 before character %d", i)
		}
		data, _, _ := take(text)
		for i := range data {
			for bit := range bits {
				never(t, w, rewrap(text, func(b []byte) []byte { b[i] ^= 1 << bit; return b }), "bit %d of byte %d", bit, i)
			}
			never(t, w, rewrap(text, func(b []byte) []byte { return b[:i] }), "cut at byte %d", i)
		}
	}
}

func never(t *testing.T, w *world, text, what string, args ...any) {
	t.Helper()
	v := w.judge(text, worldNow)
	if v.Answer == trust.OK || v.Document != nil {
		t.Errorf(what+": %v", append(args, v)...)
	}
}

func FuzzOpen(f *testing.F) {
	w := newWorld(f)
	for _, v := range w.made(f) {
		f.Add(v.Text)
	}
	for _, s := range []string{"", "EMC1:", "EMC1T:", "EMC1::::", "EMC1:" + encodeBase45(bytes.Repeat([]byte{0x9b}, 300)), "EMC1:" + encodeBase45([]byte{0x84, 0x40, 0xa0, 0x40, 0x40})} {
		f.Add(s)
	}
	genuine := map[string]bool{}
	for _, v := range w.made(f) {
		genuine[v.Text] = v.External != ""
	}
	f.Fuzz(func(t *testing.T, text string) {
		verdict := w.judge(text, worldNow)
		if verdict.Document != nil && !genuine[text] {
			// made() draws fresh tokens, so a text that it made before may be genuine without being listed: then it re-seals to itself.
			if _, l, ok := take(text); !ok || !signedHere(w, l) {
				t.Errorf("believed: %q", text)
			}
		}
		if verdict.Answer == trust.OK && verdict.Document == nil {
			t.Errorf("OK without a document: %q", text)
		}
		// Strict: whatever opens is the only text of its bytes.
		if _, err := qr.Open(text); err == nil {
			data, _, _ := take(text)
			if again := "EMC1:" + encodeBase45(data); again != text {
				t.Errorf("two texts: %q and %q", text, again)
			}
		}
	})
}

func signedHere(w *world, l layers) bool {
	for _, key := range w.keys {
		signature, err := ed25519.NewKeyFromSeed(seedOf(w, key)).Sign(nil, toSign(l, "emc-qr/v1/"+string(key.Usage)), crypto.Hash(0))
		if err == nil && bytes.Equal(signature, l.Signature) {
			return true
		}
	}
	return false
}

func seedOf(w *world, of qr.SigningKey) []byte {
	seed := make([]byte, ed25519.SeedSize)
	for name, key := range w.keys {
		if key.ID == of.ID {
			copy(seed, "EMC1 vectors: "+name)
		}
	}
	return seed
}

func BenchmarkSeal(b *testing.B) {
	w := newWorld(b)
	p, err := prescription.Issue("id", "card", prescription.Token{1}, sheet(), worldNow, time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := document.SealPrescription(p, qr.StatusRef{List: listNumber, Index: placeOK}, w.keys["rx"]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	w := newWorld(b)
	text := w.rx(b, "rx", 3*day, placeOK)
	for b.Loop() {
		if v := w.judge(text, worldNow); v.Answer != trust.OK {
			b.Fatal(v)
		}
	}
}

func BenchmarkBareSign(b *testing.B) {
	key, message := ed25519.NewKeyFromSeed(make([]byte, 32)), make([]byte, 230)
	for b.Loop() {
		ed25519.Sign(key, message)
	}
}

func BenchmarkBareVerify(b *testing.B) {
	key, message := ed25519.NewKeyFromSeed(make([]byte, 32)), make([]byte, 230)
	signature := ed25519.Sign(key, message)
	for b.Loop() {
		if !ed25519.Verify(key.Public().(ed25519.PublicKey), message, signature) {
			b.Fatal()
		}
	}
}
