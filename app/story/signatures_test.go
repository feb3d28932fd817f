package story

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/cms/cmstest"
	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/signing/gost/gosttest"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// signers is a world with a certification authority that its server trusts, and with Anna, who owns a card and has no certificate yet.
type signers struct {
	*World
	ctx       context.Context
	t         *testing.T
	authority *cmstest.Authority
	web       *httptest.Server
	anna      *person
	token     string
}

func eachSigners(t *testing.T, test func(*testing.T, *signers)) {
	t.Helper()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		s := &signers{ctx: t.Context(), t: t, authority: cmstest.NewAuthority(t, "Головной центр", time.Now())}
		s.web = httptest.NewServer(s.authority.Answers)
		t.Cleanup(s.web.Close)
		s.World = open(t, Options{Dir: t.TempDir(), Postgres: cfg.Postgres, Change: func(c *config.Config) {
			c.SignRoots, c.SignHosts = cmstest.Folder(t, s.authority.Certificate), []string{strings.TrimPrefix(s.web.URL, "http://")}
		}})
		s.be(cmstest.Mood{})
		_, claim := admitted(s.ctx, t, got(s.Clinic(s.ctx, "Городская больница"))(t))
		s.anna = somebody("1")
		s.enrol(s.ctx, t, s.anna)
		s.token = str(s.enter(s.ctx, t, s.anna), "accessToken")
		got(s.post(s.ctx, "/v1/cards/claim", s.token, body{"code": claim}))(t)
		test(t, s)
	})
}

func (s *signers) be(m cmstest.Mood) {
	m.Clock = s.Now
	s.authority.Answers.Be(m)
}

// issue gives a certificate whose authority answers for it.
func (s *signers) issue(w cmstest.Wish) cmstest.Holder {
	s.t.Helper()
	w.Name, w.Lists, w.Answered = "Соколова Анна", []string{s.web.URL + "/list"}, []string{s.web.URL + "/ocsp"}
	return s.authority.Issue(s.t, s.Now(), w)
}

// answer gets a challenge and signs it.
func (s *signers) answer(by cmstest.Holder, path, token string, in body) body {
	s.t.Helper()
	c := got(s.post(s.ctx, path, token, in))(s.t)
	content := got(base64.StdEncoding.DecodeString(str(c, "content")))(s.t)
	return body{"challenge": c["challenge"], "signature": base64.StdEncoding.EncodeToString(by.Sign(s.t, content))}
}

const (
	signInChallenge = "/v1/auth/signature/challenge"
	anyChallenge    = "/v1/signatures/challenge"
)

func (s *signers) signIn(by cmstest.Holder) (map[string]any, error) {
	s.t.Helper()
	return s.open(s.answer(by, signInChallenge, "", nil))
}

func (s *signers) open(answer body) (map[string]any, error) {
	answer["device"] = s.anna.device
	return s.post(s.ctx, "/v1/auth/signature", "", answer)
}

func (s *signers) bind(by cmstest.Holder, token string) error {
	s.t.Helper()
	return s.put("/v1/me/signature", token, s.answer(by, anyChallenge, token, body{"purpose": "bind"}))
}

func (s *signers) put(path, token string, in body) error {
	return s.Call(s.ctx, token, http.MethodPut, path, nil, in, nil)
}

func TestAPersonSignsInWithACertificate(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		anna := s.issue(cmstest.Wish{SNILS: example.SNILS})
		_, err := s.signIn(anna)
		refused(t, err, http.StatusUnprocessableEntity, "signature.not_bound")
		ok(t, s.bind(anna, s.token))
		tokens := got(s.signIn(anna))(t)
		if str(tokens, "account") != s.anna.account {
			t.Errorf("the session is of %s", str(tokens, "account"))
		}
		if by := methods(t, str(tokens, "accessToken")); !slices.Equal(by, []string{"pop", "mfa"}) {
			t.Errorf("the token says amr %v", by)
		}
		if me := got(s.me(s.ctx, str(tokens, "accessToken")))(t); me["recipientOfMedicalServices"] != true {
			t.Errorf("she is %v", me)
		}
		got(s.post(s.ctx, "/v1/auth/refresh", "", body{"refreshToken": tokens["refreshToken"], "deviceSecret": s.anna.device["secret"]}))(t)

		// A renewed certificate needs no new binding, and takes the place of the one before.
		renewed := s.issue(cmstest.Wish{SNILS: example.SNILS, From: s.Now().Add(-time.Minute)})
		got(s.signIn(renewed))(t)
		_, err = s.signIn(anna)
		refused(t, err, http.StatusUnprocessableEntity, "signature.replaced")

		ok(t, s.Call(s.ctx, s.token, http.MethodDelete, "/v1/me/signature", nil, nil, nil))
		_, err = s.signIn(renewed)
		refused(t, err, http.StatusUnprocessableEntity, "signature.not_bound")
	})
}

// methods reads the amr of an access token.
func methods(t *testing.T, token string) (by []string) {
	t.Helper()
	var claims struct {
		By []string `json:"amr"`
	}
	ok(t, json.Unmarshal(got(base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1]))(t), &claims))
	return claims.By
}

func TestAChallengeIsGoodOnceForOnePurposeInTime(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		anna := s.issue(cmstest.Wish{SNILS: example.SNILS})
		ok(t, s.bind(anna, s.token))
		answer := s.answer(anna, signInChallenge, "", nil)
		got(s.open(answer))(t)
		_, err := s.open(answer)
		refused(t, err, http.StatusConflict, "signature.challenge_used")

		gone := func(what string, err error) {
			t.Helper()
			if p := refused(t, err, http.StatusGone, "signature.challenge_expired"); p == nil {
				t.Error(what)
			}
		}
		_, err = s.open(s.answer(anna, anyChallenge, s.token, body{"purpose": "bind"}))
		gone("bind as sign-in", err)
		gone("sign-in as bind", s.put("/v1/me/signature", s.token, s.answer(anna, signInChallenge, "", nil)))
		_, err = s.post(s.ctx, "/v1/signatures", s.token, s.answer(anna, anyChallenge, s.token, body{"purpose": "bind"}))
		gone("bind as confirm", err)
		boris := somebody("2")
		s.enrol(s.ctx, t, boris)
		his := str(s.enter(s.ctx, t, boris), "accessToken")
		gone("another's", s.put("/v1/me/signature", his, s.answer(anna, anyChallenge, s.token, body{"purpose": "bind"})))
		text, mark, _ := strings.Cut(str(got(s.post(s.ctx, signInChallenge, "", nil))(t), "challenge"), ".")
		longer := strings.Replace(string(got(base64.RawURLEncoding.DecodeString(text))(t)), "nonce: ", "nonce: x", 1)
		_, err = s.open(body{"challenge": base64.RawURLEncoding.EncodeToString([]byte(longer)) + "." + mark, "signature": base64.StdEncoding.EncodeToString(anna.Sign(t, []byte(longer)))})
		gone("forged", err)
		late := s.answer(anna, signInChallenge, "", nil)
		s.Skip(5*time.Minute + time.Second)
		_, err = s.open(late)
		gone("late", err)
		swapped := s.answer(anna, signInChallenge, "", nil)
		swapped["challenge"] = s.answer(anna, signInChallenge, "", nil)["challenge"]
		_, err = s.open(swapped)
		refused(t, err, http.StatusUnprocessableEntity, "signature.wrong")
	})
}

func TestNobodyBindsAnothersCertificate(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		anna := s.issue(cmstest.Wish{SNILS: example.SNILS})
		boris := somebody("2")
		s.enrol(s.ctx, t, boris)
		his := str(s.enter(s.ctx, t, boris), "accessToken")
		refused(t, s.bind(s.issue(cmstest.Wish{SNILS: "11223344595"}), s.token), http.StatusUnprocessableEntity, "signature.wrong_owner")
		refused(t, s.bind(anna, his), http.StatusUnprocessableEntity, "signature.wrong_owner") // he owns no card of hers
		refused(t, s.bind(s.issue(cmstest.Wish{SNILS: "11223344595"}), his), http.StatusUnprocessableEntity, "signature.wrong_owner")
		ok(t, s.bind(anna, s.token))
		ok(t, s.bind(anna, s.token)) // once more changes nothing
		got(s.signIn(anna))(t)
	})
}

func TestEachFaultHasACodeAndAHint(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		anna := s.issue(cmstest.Wish{SNILS: example.SNILS})
		ok(t, s.bind(anna, s.token))
		revoked := s.issue(cmstest.Wish{SNILS: example.SNILS})
		s.authority.Revoke(revoked.Certificate, s.Now())
		s.Skip(20 * time.Minute) // what was fetched is fetched anew
		stranger := cmstest.NewAuthority(t, "Головной центр", s.Now())
		sha1 := s.issue(cmstest.Wish{SNILS: example.SNILS})
		for code, by := range map[string]cmstest.Holder{
			"signature.expired":       s.issue(cmstest.Wish{SNILS: example.SNILS, From: s.Now().Add(-2 * time.Hour), Until: s.Now().Add(-time.Hour)}),
			"signature.not_yet_valid": s.issue(cmstest.Wish{SNILS: example.SNILS, From: s.Now().Add(time.Hour)}),
			"signature.untrusted":     stranger.Issue(t, s.Now(), cmstest.Wish{SNILS: example.SNILS}),
			"signature.revoked":       revoked,
			"signature.wrong_usage":   s.issue(cmstest.Wish{SNILS: example.SNILS, Usage: x509.KeyUsageKeyAgreement}),
			"signature.wrong_owner":   s.issue(cmstest.Wish{SNILS: "11223344596"}),
			"signature.not_bound":     s.issue(cmstest.Wish{SNILS: "11223344595"}),
		} {
			s.untouched(s.ctx, t, code, func(t *testing.T) {
				_, err := s.signIn(by)
				if p := refused(t, err, http.StatusUnprocessableEntity, code); len(p.Detail) < 40 {
					t.Errorf("%s: the hint is %q", code, p.Detail)
				}
			})
		}
		sent := func(name, code, what string) {
			t.Helper()
			s.untouched(s.ctx, t, name, func(t *testing.T) {
				c := got(s.post(s.ctx, signInChallenge, "", nil))(t)
				_, err := s.open(body{"challenge": c["challenge"], "signature": what})
				if p := refused(t, err, http.StatusUnprocessableEntity, code); len(what) > 20 && strings.Contains(p.Error(), what[:20]) {
					t.Errorf("%s: the answer repeats what was sent", name)
				}
			})
		}
		sent("nothing", "signature.malformed", "")
		sent("no base64", "signature.malformed", "меня зовут Анна")
		sent("a certificate", "signature.malformed", base64.StdEncoding.EncodeToString(anna.Certificate.Raw))
		c := got(s.post(s.ctx, signInChallenge, "", nil))(t)
		content := got(base64.StdEncoding.DecodeString(str(c, "content")))(t)
		_, err := s.open(body{"challenge": c["challenge"], "signature": base64.StdEncoding.EncodeToString(sha1.SignSHA1(t, content))})
		refused(t, err, http.StatusUnprocessableEntity, "signature.unsupported")

		s.be(cmstest.Mood{Down: true})
		s.Skip(2 * time.Hour)
		_, err = s.signIn(anna)
		if p := refused(t, err, http.StatusServiceUnavailable, "signature.revocation_stale"); p.RetryAfter == 0 {
			t.Error("it does not say when to come again")
		}
		s.be(cmstest.Mood{})
		s.Skip(time.Minute)
		got(s.signIn(anna))(t)
	})
}

// A private key that somebody sends is refused by name, and neither the database nor the log has a word of it.
func TestAPrivateKeyIsNotTaken(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		anna := s.issue(cmstest.Wish{SNILS: example.SNILS})
		raw := got(x509.MarshalPKCS8PrivateKey(anna.Key))(t)
		text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
		for name, sent := range map[string]string{"PEM": text, "PEM in base64": base64.StdEncoding.EncodeToString([]byte(text)), "PKCS#8": base64.StdEncoding.EncodeToString(raw)} {
			s.untouched(s.ctx, t, name, func(t *testing.T) {
				c := got(s.post(s.ctx, signInChallenge, "", nil))(t)
				_, err := s.open(body{"challenge": c["challenge"], "signature": sent})
				p := refused(t, err, http.StatusUnprocessableEntity, "signature.private_key")
				if strings.Contains(p.Error(), sent[30:60]) {
					t.Error("the answer repeats it")
				}
			})
			refused(t, s.put("/v1/me/signature", s.token, body{"challenge": "an old one", "signature": sent}), http.StatusUnprocessableEntity, "signature.private_key")
			for _, line := range s.Log.All() {
				if strings.Contains(line, sent[30:60]) {
					t.Errorf("%s is in the log", name)
				}
			}
		}
	})
}

func TestARequestIsConfirmed(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		anna := s.issue(cmstest.Wish{SNILS: example.SNILS})
		sum := sha256.Sum256([]byte(`{"give":"everything"}`))
		digest := hex.EncodeToString(sum[:])
		ask := body{"purpose": "confirm", "action": "grant.give", "digest": digest}
		_, err := s.post(s.ctx, "/v1/signatures", s.token, s.answer(anna, anyChallenge, s.token, ask))
		refused(t, err, http.StatusUnprocessableEntity, "signature.not_bound")
		ok(t, s.bind(anna, s.token))
		_, err = s.post(s.ctx, "/v1/signatures", s.token, s.answer(s.issue(cmstest.Wish{SNILS: "11223344595"}), anyChallenge, s.token, ask))
		refused(t, err, http.StatusUnprocessableEntity, "signature.not_bound")
		made := got(s.post(s.ctx, "/v1/signatures", s.token, s.answer(anna, anyChallenge, s.token, ask)))(t)
		for _, bad := range []body{{"purpose": "confirm"}, {"purpose": "confirm", "action": "Два слова", "digest": digest}, {"purpose": "confirm", "action": "a", "digest": digest[1:]}} {
			_, err := s.post(s.ctx, anyChallenge, s.token, bad)
			refused(t, err, http.StatusUnprocessableEntity, "signature.action")
		}

		var list, other map[string]any
		ok(t, s.Call(s.ctx, s.token, http.MethodGet, "/v1/signatures?digest="+digest, nil, nil, &list))
		ok(t, s.Call(s.ctx, s.token, http.MethodGet, "/v1/signatures?digest="+strings.Repeat("00", 32), nil, nil, &other))
		found, _ := list["confirmations"].([]any)
		none, _ := other["confirmations"].([]any)
		if len(found) != 1 || len(none) != 0 || str(found[0].(map[string]any), "action") != "grant.give" {
			t.Errorf("listed: %v and %v", list, other)
		}
		// What was kept can be checked by others: the certificate signed the text, and the text names what was confirmed.
		var shown map[string]any
		ok(t, s.Call(s.ctx, s.token, http.MethodGet, "/v1/signatures/"+str(made, "id"), nil, nil, &shown))
		content := string(got(base64.StdEncoding.DecodeString(str(shown, "content")))(t))
		for _, line := range []string{"purpose: confirm", "server: " + s.URL, "account: " + s.anna.account, "action: grant.give", "sha256: " + digest} {
			if !strings.Contains(content, line+"\n") {
				t.Errorf("what was signed lacks %q: %s", line, content)
			}
		}
		chain, _ := shown["certificates"].([]any)
		if len(chain) != 2 || chain[0] != base64.StdEncoding.EncodeToString(anna.Certificate.Raw) || str(shown, "signature") == "" || str(shown, "issuer") != "Головной центр" {
			t.Errorf("kept: %v", shown)
		}
		boris := somebody("2")
		s.enrol(s.ctx, t, boris)
		his := str(s.enter(s.ctx, t, boris), "accessToken")
		_, err = s.post(s.ctx, "/v1/signatures", his, s.answer(anna, anyChallenge, his, ask))
		refused(t, err, http.StatusUnprocessableEntity, "signature.wrong_owner") // her hand under his request
		refused(t, s.Call(s.ctx, his, http.MethodGet, "/v1/signatures/"+str(made, "id"), nil, nil, nil), http.StatusNotFound, "signature.not_found")
		if sealed := s.rows(t, "signature"); strings.Contains(sealed, "Medcard") || strings.Contains(sealed, string(anna.Certificate.RawSubject)) {
			t.Error("the proof lies open in the database")
		}
	})
}

// rows gives a table as one text.
func (w *World) rows(t *testing.T, table string) string {
	t.Helper()
	db := beside(t, w.cfg.Database(), w.cfg.Postgres)
	defer db.Close()
	rows := got(db.QueryContext(t.Context(), "SELECT sealed FROM "+table))(t)
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var raw []byte
		ok(t, rows.Scan(&raw))
		all.Write(raw)
	}
	ok(t, rows.Err())
	if all.Len() == 0 {
		t.Fatalf("%s is empty", table)
	}
	return all.String()
}

func TestTriesAreCounted(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		var err error
		for range 11 {
			c := got(s.post(s.ctx, anyChallenge, s.token, body{"purpose": "bind"}))(t)
			err = s.put("/v1/me/signature", s.token, body{"challenge": c["challenge"], "signature": "AAAA"})
		}
		if p := refused(t, err, http.StatusTooManyRequests, "throttled"); p.RetryAfter == 0 {
			t.Error("it does not say when to come again")
		}
	})
}

// An app signs with what holds the certificate; the SDK carries the bytes, and has a hint when they do not count.
func TestAPhoneCarriesSignatures(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		_, client, err := s.SignUp(s.ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = client.Close() })
		ask := got(client.AskToBind(s.ctx))(t)
		hers := s.issue(cmstest.Wish{SNILS: example.SNILS})
		err = client.BindSignature(s.ctx, ask.Challenge, hers.Sign(t, ask.Content))
		refused(t, err, http.StatusUnprocessableEntity, "signature.wrong_owner")
		if hint, known := phone.HintFor(err, "ru"); !known || hint.Remedy != phone.Choose || !strings.Contains(hint.Text, "СНИЛС") {
			t.Errorf("the hint is %+v", hint)
		}

		self := &Patient{Login: s.anna.phone, Email: s.anna.email, Password: s.anna.password, world: s.World}
		other := got(self.Handset("Anna's phone"))(t)
		t.Cleanup(func() { _ = other.Close() })
		ok(t, other.Enter(s.ctx))
		ask = got(other.AskToBind(s.ctx))(t)
		ok(t, other.BindSignature(s.ctx, ask.Challenge, hers.Sign(t, ask.Content)))
		ok(t, other.SignOut(s.ctx, false))
		ask = got(other.AskToSignIn(s.ctx))(t)
		ok(t, other.SignInBySignature(s.ctx, ask.Challenge, hers.Sign(t, ask.Content)))
		if me := got(other.Me(s.ctx))(t); string(me.Account) != s.anna.account {
			t.Errorf("she is %v", me)
		}
		digest := strings.Repeat("5a", 32)
		ask = got(other.AskToConfirm(s.ctx, "grant.give", digest))(t)
		made := got(other.ConfirmBySignature(s.ctx, ask.Challenge, hers.Sign(t, ask.Content)))(t)
		if list := got(other.Signatures(s.ctx, digest))(t); len(list) != 1 || list[0] != made || made.Action != "grant.give" {
			t.Errorf("confirmed: %v, listed: %v", made, list)
		}
		ok(t, other.UnbindSignature(s.ctx))
		ask = got(client.AskToSignIn(s.ctx))(t)
		err = client.SignInBySignature(s.ctx, ask.Challenge, hers.Sign(t, ask.Content))
		refused(t, err, http.StatusUnprocessableEntity, "signature.not_bound")
	})
}

// What accredited centres give out has GOST keys: with a program that knows them beside the server they open an account as others do.
func TestAPersonSignsInWithAGOSTCertificate(t *testing.T) {
	gosttest.Need(t)
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		var list []byte
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list) }))
		t.Cleanup(web.Close)
		head := gosttest.NewAuthority(t, "256", web.URL+"/list")
		head.Issue(t, "anna", example.SNILS)
		list = head.List(t)
		w := open(t, Options{Dir: t.TempDir(), Postgres: cfg.Postgres, Change: func(c *config.Config) {
			c.SignRoots, c.SignHosts, c.SignGOST = cmstest.Folder(t, head.Certificate), []string{strings.TrimPrefix(web.URL, "http://")}, gosttest.Command
		}})
		ctx := t.Context()
		_, claim := admitted(ctx, t, got(w.Clinic(ctx, "Городская больница"))(t))
		anna := somebody("1")
		w.enrol(ctx, t, anna)
		token := str(w.enter(ctx, t, anna), "accessToken")
		got(w.post(ctx, "/v1/cards/claim", token, body{"code": claim}))(t)
		answer := func(path, token string, in body, flip bool) body {
			c := got(w.post(ctx, path, token, in))(t)
			raw := head.Sign(t, "anna", got(base64.StdEncoding.DecodeString(str(c, "content")))(t))
			if flip {
				raw[len(raw)-9] ^= 1
			}
			return body{"challenge": c["challenge"], "signature": base64.StdEncoding.EncodeToString(raw), "device": anna.device}
		}
		bind := answer(anyChallenge, token, body{"purpose": "bind"}, false)
		delete(bind, "device")
		ok(t, w.Call(ctx, token, http.MethodPut, "/v1/me/signature", nil, bind, nil))
		tokens := got(w.post(ctx, "/v1/auth/signature", "", answer(signInChallenge, "", nil, false)))(t)
		if str(tokens, "account") != anna.account {
			t.Errorf("the session is of %s", str(tokens, "account"))
		}
		_, err := w.post(ctx, "/v1/auth/signature", "", answer(signInChallenge, "", nil, true))
		refused(t, err, http.StatusUnprocessableEntity, "signature.wrong")
	})
}

func TestAServerWithoutAuthoritiesSaysSo(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		_, err := w.post(ctx, signInChallenge, "", nil)
		refused(t, err, http.StatusNotFound, "signature.not_offered")
	})
}

// A certificate is one more way in, and a way in that comes or goes is told by mail. What changed nothing is not.
func TestABoundCertificateIsTold(t *testing.T) {
	eachSigners(t, func(t *testing.T, s *signers) {
		written := func(word string) (n int) {
			for _, line := range s.codes.All() {
				if strings.Contains(line, s.anna.email) && strings.Contains(line, word) {
					n++
				}
			}
			return n
		}
		const on, off = "можно войти без пароля — с сертификатом", "больше не войти"
		unbind := func() { ok(t, s.Call(s.ctx, s.token, http.MethodDelete, "/v1/me/signature", nil, nil, nil)) }
		unbind()
		if written(on)+written(off) != 0 {
			t.Error("nothing was bound, and mail went")
		}
		hers := s.issue(cmstest.Wish{SNILS: example.SNILS})
		ok(t, s.bind(hers, s.token))
		if written(on) != 1 || written(off) != 0 {
			t.Errorf("bound: %d and %d mails", written(on), written(off))
		}
		unbind()
		if written(on) != 1 || written(off) != 1 {
			t.Errorf("taken off: %d and %d mails", written(on), written(off))
		}
	})
}
