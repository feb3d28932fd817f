package account

import (
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// External is a person as an external OpenID provider vouches for him.
type External struct {
	Provider string
	Subject  string         // the provider's own, which never changes hands
	SNILS    identity.SNILS // "" unless the provider has seen it on paper
}

// Link says that an account's person is somebody at a provider.
type Link struct {
	Provider string
	Since    time.Time
}

// The purposes of ceremonies at an external provider.
const (
	ExternalSignIn Purpose = "external"
	ExternalLink   Purpose = "link"
)
