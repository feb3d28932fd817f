package pushtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// accounts is the stub's token endpoint: whoever signs with the service account's key gets a bearer token.
type accounts struct {
	email  string
	key    *rsa.PublicKey
	issued map[string]bool
}

// ServiceAccount makes a key file like those that Google hands out, good for this stub alone, and from now on the stub wants a
// bearer token that was got with it.
func (s *Server) ServiceAccount() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	email := "push@" + s.Project + ".iam.gserviceaccount.com"
	s.mu.Lock()
	s.accounts = &accounts{email: email, key: &key.PublicKey, issued: map[string]bool{}}
	s.mu.Unlock()
	return json.Marshal(map[string]string{
		"type": "service_account", "project_id": s.Project, "client_email": email, "private_key_id": "stub",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   s.URL + "/token",
	})
}

// Revoke makes the stub forget every bearer token it gave out.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts != nil {
		clear(s.accounts.issued)
	}
}

// token answers the JWT bearer grant of RFC 7523.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	known := s.accounts
	s.mu.Unlock()
	if known == nil || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		http.Error(w, `{"error":"unsupported_grant_type"}`, http.StatusBadRequest)
		return
	}
	var claims struct {
		Scope string `json:"scope"`
		jwt.RegisteredClaims
	}
	_, err := jwt.ParseWithClaims(r.FormValue("assertion"), &claims, func(*jwt.Token) (any, error) { return known.key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(known.email), jwt.WithAudience(s.URL+"/token"), jwt.WithExpirationRequired())
	if err != nil || claims.Scope != "https://www.googleapis.com/auth/firebase.messaging" {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	bearer := rand.Text()
	s.mu.Lock()
	known.issued[bearer] = true
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": bearer, "token_type": "Bearer", "expires_in": 3600})
}
