// Package credential gets access tokens for the systems of clinics and pharmacies: client credentials with private_key_jwt (RFC 7523,
// SMART Backend Services), ES384.
//
// The client is the organisation and holds the key, possibly in hardware behind crypto.Signer. The person who acts is named in the
// assertion's actor claim and stands in the patient's access log, so each person gets tokens of their own.
//
//	source := credential.New(credential.Client{ID: id, Key: key, TokenURL: server + "/oauth/token", Scopes: []string{"system/dispensing.c"}})
//	bearer := source.As(credential.Actor{Subject: "e-17", Name: "Соколова Мария", Role: "провизор"})
//	token, err := bearer(ctx)
package credential
