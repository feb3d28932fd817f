// Package hsm keeps the secret halves of signing keys in a PKCS#11 token: a smart card or a security module. It is a vault of package
// keys.
//
// It needs cgo and the vendor's library, so it is built with the tag pkcs11 only. The token must know Ed25519 (PKCS#11 3.0: CKM_EDDSA
// and CKM_EC_EDWARDS_KEY_PAIR_GEN). Its test runs with the tag and a SoftHSM:
//
//	go test -tags pkcs11 ./app/keys/hsm
package hsm
