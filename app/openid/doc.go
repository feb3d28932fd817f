// Package openid asks an external OpenID provider, such as the national identity system, who somebody is: authorization code with PKCE,
// state and nonce (RFC 6749, RFC 7636, OpenID Connect Core), the ID token verified against the provider's keys.
//
// What a provider calls its scopes and claims is data, a Profile; ESIA's is one. The provider's address comes from the configuration alone.
package openid
