// Package revocation finds out whether certificates were revoked: from the lists of their authorities (CRL) and by asking about one
// (OCSP, RFC 6960), over HTTP, with the signatures of both checked.
//
// No address that a user gives is ever fetched. A certificate's addresses are, when their host is one that the operator named, and
// only of a chain that has been checked: an authority that we trust wrote them. Redirects are not followed. Sizes and times are bounded.
//
// It fails closed. Each certificate below the root needs one source that says something fresh: a list before its nextUpdate, or an
// answer before its own. Silence is ErrStale. Whatever a source said once of a revocation counts for ever, also when the source is
// away, and a list that is older than the one before is not taken. What was fetched is used until its nextUpdate, but asked for anew
// after a while (lists 15 minutes, answers 1 minute), so that a revocation is seen long before that; if the source is away then, the
// last answer still counts until its nextUpdate.
//
// Not read: delta lists, indirect lists, lists of a part (any critical extension). Answers by OCSP about certificates with GOST keys, for
// the library cannot check their signatures: there the lists decide.
package revocation
