package document_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/trust"
)

// Another reader and another writer, made from the page of package qr alone: nothing of the product is used but the list of keys. If one
// of them and the product disagree, the page is wrong.

// base45 by the book and with large numbers instead of the product's table: the vectors are made and taken apart by this one.

const base45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

func encodeBase45(data []byte) string {
	var text strings.Builder
	for pair := range slices.Chunk(data, 2) {
		n := new(big.Int).SetBytes(pair)
		for range len(pair) + 1 {
			digit := new(big.Int)
			n.DivMod(n, big.NewInt(45), digit)
			text.WriteByte(base45[digit.Int64()])
		}
	}
	return text.String()
}

func decodeBase45(text string) ([]byte, error) {
	var data []byte
	for group := range slices.Chunk([]byte(text), 3) {
		n := new(big.Int)
		for i := len(group) - 1; i >= 0; i-- {
			digit := strings.IndexByte(base45, group[i])
			if digit < 0 {
				return nil, errors.New("not base45")
			}
			n.Mul(n, big.NewInt(45)).Add(n, big.NewInt(int64(digit)))
		}
		size := len(group) - 1
		if size == 0 || n.BitLen() > 8*size {
			return nil, errors.New("not base45")
		}
		data = append(data, n.FillBytes(make([]byte, size))...)
	}
	return data, nil
}

// cborReader reads the core deterministic encoding and nothing else.
type cborReader struct {
	data  []byte
	depth int
}

var errCBOR = errors.New("not deterministic CBOR of the kinds in use")

// head reads a major type and its argument, in its shortest form.
func (r *cborReader) head() (major byte, n uint64, err error) {
	if len(r.data) == 0 {
		return 0, 0, errCBOR
	}
	major, low := r.data[0]>>5, r.data[0]&31
	r.data = r.data[1:]
	if low < 24 {
		return major, uint64(low), nil
	}
	size := 1 << (low - 24)
	if low > 27 || len(r.data) < size {
		return 0, 0, errCBOR
	}
	for _, b := range r.data[:size] {
		n = n<<8 | uint64(b)
	}
	r.data = r.data[size:]
	least := map[int]uint64{1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size]
	if n < least {
		return 0, 0, errCBOR
	}
	return major, n, nil
}

func (r *cborReader) value() (any, error) {
	if r.depth++; r.depth > 8 {
		return nil, errCBOR
	}
	defer func() { r.depth-- }()
	major, n, err := r.head()
	if err != nil || major != 1 && major != 0 && n > uint64(len(r.data)) {
		return nil, errCBOR
	}
	switch major {
	case 0:
		return n, nil
	case 1:
		return -1 - int64(n), nil
	case 2, 3:
		content := r.data[:n]
		r.data = r.data[n:]
		if major == 3 {
			return string(content), nil
		}
		return content, nil
	case 4:
		list := []any{}
		for range n {
			v, err := r.value()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case 5:
		pairs := map[int64]any{}
		var before []byte
		for range n {
			start := r.data
			key, err := r.value()
			if err != nil {
				return nil, err
			}
			written := start[:len(start)-len(r.data)]
			if before != nil && bytes.Compare(before, written) >= 0 {
				return nil, errCBOR // not sorted, or twice
			}
			before = written
			if pairs[number(key)], err = r.value(); err != nil {
				return nil, err
			}
		}
		return pairs, nil
	}
	return nil, errCBOR
}

func number(v any) int64 {
	switch n := v.(type) {
	case uint64:
		return int64(n)
	case int64:
		return n
	}
	return 1 << 40 // no label of ours
}

func readCBOR[T any](data []byte) (v T, ok bool) {
	r := cborReader{data: data}
	raw, err := r.value()
	v, is := raw.(T)
	return v, err == nil && is && len(r.data) == 0
}

var labels = map[string]int64{"rx": -65537, "ref": -65540, "cert": -65541}

// readAnother says what is wrong with a code, "" = nothing that can be told without a status list, and gives its body.
func readAnother(text string, now int64, keys map[string]trust.Key) (body []any, why string) {
	if len(text) > 1200 || strings.Trim(text, base45) != "" {
		return nil, "bad_format"
	}
	encoded, ours := strings.CutPrefix(text, "EMC1:")
	data, err := decodeBase45(encoded)
	sign1, array := readCBOR[[]any](data)
	if !ours || err != nil || !array || len(sign1) != 4 {
		return nil, "bad_format"
	}
	protected, p := sign1[0].([]byte)
	unprotected, u := sign1[1].(map[int64]any)
	payload, l := sign1[2].([]byte)
	signature, g := sign1[3].([]byte)
	if !p || !u || !l || !g || len(unprotected) != 0 || len(signature) != 64 {
		return nil, "bad_format"
	}
	header, h := readCBOR[map[int64]any](protected)
	kid, k := header[4].([]byte)
	alg, a := header[1].(int64)
	if !h || !k || !a || len(header) != 2 || len(kid) != 8 {
		return nil, "bad_format"
	}
	key, known := keys[hex.EncodeToString(kid)]
	switch {
	case !known:
		return nil, "unknown_key"
	case int64(key.Algorithm) != alg:
		return nil, "wrong_algorithm"
	}
	external := "emc-qr/v1/" + string(key.Usage)
	if !ed25519.Verify(key.Public, writeCBOR([]any{"Signature1", protected, []byte(external), payload}), signature) {
		return nil, "bad_signature"
	}
	return readClaims(payload, now, key)
}

func readClaims(payload []byte, now int64, key trust.Key) (body []any, why string) {
	claims, ok := readCBOR[map[int64]any](payload)
	if !ok {
		return nil, "bad_format"
	}
	bodies := 0
	for label, value := range claims {
		switch {
		case label == -65537 || label == -65539 || label == -65540 || label == -65541:
			bodies++
		case label != 1 && label != 4 && label != 6 && label != 7 && label != -65538 || value == nil:
			return nil, "bad_format"
		}
	}
	body, there := claims[labels[string(key.Usage)]].([]any)
	if !there || bodies != 1 {
		return nil, "wrong_usage"
	}
	if claims[1] != key.Issuer {
		return nil, "wrong_issuer"
	}
	token, t := claims[7].([]byte)
	days := longestOf(string(key.Usage), body)
	iat, exp := number(claims[6]), number(claims[4])
	switch {
	case !t || len(token) != 16 || days == 0:
		return nil, "bad_format"
	case iat > now+300:
		return nil, "not_yet"
	case now > exp:
		return nil, "expired"
	case exp-iat > (days+1)*86400+3600:
		return nil, "too_long_valid"
	}
	return body, ""
}

// longestOf is how many days a body allows, 0 = it is not one.
func longestOf(usage string, body []any) int64 {
	switch {
	case usage == "ref" && len(body) == 8:
		return 365
	case usage == "cert" && len(body) == 5:
		if hash, ok := body[4].([]byte); ok && len(hash) == 32 && number(body[0]) >= 1 && number(body[0]) <= 7 {
			return 366
		}
	case usage == "rx" && len(body) == 7:
		return map[[2]int64]int64{{1, 3}: 60, {1, 5}: 366, {3, 1}: 15, {3, 2}: 30, {3, 4}: 90}[[2]int64{number(body[0]), number(body[1])}]
	}
	return 0
}

// writeCBOR writes what readCBOR reads. A map is given as its pairs, in the order of the encoding.
func writeCBOR(v any) []byte {
	head := func(major byte, n uint64) []byte {
		switch {
		case n < 24:
			return []byte{major<<5 | byte(n)}
		case n < 1<<8:
			return []byte{major<<5 | 24, byte(n)}
		case n < 1<<16:
			return []byte{major<<5 | 25, byte(n >> 8), byte(n)}
		case n < 1<<32:
			return []byte{major<<5 | 26, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
		}
		return []byte{major<<5 | 27, byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	}
	var b []byte
	switch x := v.(type) {
	case int64:
		if x < 0 {
			return head(1, uint64(-1-x))
		}
		return head(0, uint64(x))
	case []byte:
		return append(head(2, uint64(len(x))), x...)
	case string:
		return append(head(3, uint64(len(x))), x...)
	case []any:
		b = head(4, uint64(len(x)))
		for _, one := range x {
			b = append(b, writeCBOR(one)...)
		}
	case [][2]any:
		b = head(5, uint64(len(x)))
		for _, pair := range x {
			b = append(append(b, writeCBOR(pair[0])...), writeCBOR(pair[1])...)
		}
	default:
		panic("not written here")
	}
	return b
}

// The committed file, read by the other reader: it must come to the same answer wherever a status list has no say.
func TestAnotherReaderAgrees(t *testing.T) {
	content, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var file vectors
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	keys := map[string]trust.Key{}
	for _, key := range newWorld(t).set.Keys {
		keys[key.ID.String()] = key
	}
	without := []string{"bad_format", "unknown_key", "wrong_algorithm", "bad_signature", "wrong_usage", "wrong_issuer", "not_yet", "expired", "too_long_valid"}
	refused, read := 0, map[int]int{}
	for _, v := range file.Vectors {
		if strings.HasPrefix(v.Text, "EMC1T:") {
			data, err := decodeBase45(strings.TrimPrefix(v.Text, "EMC1T:"))
			if good := err == nil && len(data) == 16; good != (v.Reasons[0] == "online_only") {
				t.Errorf("%s: good %v", v.Name, good)
			}
			continue
		}
		now, want := file.Now, ""
		if v.Now != 0 {
			now = v.Now
		}
		if len(v.Reasons) > 0 && slices.Contains(without, v.Reasons[0]) {
			want = v.Reasons[0]
		}
		body, why := readAnother(v.Text, now, keys)
		if v.Name == "the clock was set back" { // the product remembers how late it was; the page asks nobody to
			continue
		}
		if why != want {
			t.Errorf("%s: %q, want %q", v.Name, why, want)
		}
		if want != "" {
			refused++
		}
		read[len(body)]++
	}
	if refused < 20 || read[7] < 5 || read[8] < 1 || read[5] < 1 {
		t.Errorf("%d refused, %v read: this test looks in the wrong place", refused, read)
	}
}

// A code that somebody else's program writes from the page is read here as what it says.
func TestAnotherWriterIsRead(t *testing.T) {
	w := newWorld(t)
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, "EMC1 vectors: ref")
	private := ed25519.NewKeyFromSeed(seed)
	id := qr.KeyIDOf(private.Public().(ed25519.PublicKey))
	iat := worldNow.Add(-day).Unix()
	payload := writeCBOR([][2]any{
		{int64(1), "medcard-moscow"}, {int64(4), iat + 30*86400}, {int64(6), iat}, {int64(7), bytes.Repeat([]byte{9}, 16)},
		{int64(-65538), []any{int64(listNumber), int64(placeOK)}},
		{int64(-65540), []any{int64(6), int64(1), []any{"ИАП", int64(1956)}, int64(1027700132195), int64(0), int64(26), "Консультация", "Ким Е."}},
	})
	protected := writeCBOR([][2]any{{int64(1), int64(-8)}, {int64(4), id[:]}})
	signature := ed25519.Sign(private, writeCBOR([]any{"Signature1", protected, []byte("emc-qr/v1/ref"), payload}))
	text := "EMC1:" + encodeBase45(writeCBOR([]any{protected, [][2]any{}, payload, signature}))
	v := w.judge(text, worldNow)
	if v.Answer != trust.OK {
		t.Fatal(v)
	}
	paper, err := document.Read(*v.Document)
	if err != nil {
		t.Fatal(err)
	}
	s := paper.Referral
	if s == nil || s.Kind != referral.Consultation || s.Bearer.Initials != "ИАП" || s.Purpose != "Консультация" || s.Clinic != "1027700132195" ||
		!paper.IssuedAt.Equal(time.Unix(iat, 0)) {
		t.Errorf("%+v", paper)
	}
}
