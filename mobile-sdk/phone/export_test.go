package phone

import "github.com/medcard/medcard/mobile-sdk/phone/vault"

// WithoutIndex runs f with files that index nothing, for whoever measures what the index costs.
func WithoutIndex(f func()) {
	was := indexed
	defer func() { indexed = was }()
	indexed = vault.Words{}
	f()
}
