// Package domain holds the nouns of Medcard, one package a noun, and nothing else: no tags, no clock, no context, no I/O.
//
// The whole house in three sentences: the domain names things; app performs acts on them; sync, qr and push are crafts
// that know nothing of medicine.
//
//	app/            the commands; server puts the parts together; story puts a whole world on loopback for demo and tests
//	  doors         httpapi (own API, FHIR face), web (pages), oauth (tokens for organisations)
//	  acts          enrolling granting charting auditing syncing attaching exchanging issuing dispensing scanning
//	                notifying signing proving alerting: one package a kind of work, each with its own narrow Tx interface
//	  cellar        store (GORM, and nobody else), keys (custody), jobs (River), openid (an external provider),
//	                fhir (pure mapping), cms (electronic signatures, pure), wording (texts to people), config
//	domain/         nouns: fault identity account card consent family audit posting paper prescription referral certificate
//	                notice signature workday evidence incident
//	sync/           vclock -> wire -> replica (the engine of both sides) -> cardsync; simnet proves them
//	qr/             the EMC1 envelope; trust, document, picture, scan, foreign
//	push/           Message, Sender; fcm; pushtest
//	migrations/     one schema for both databases
//	mobile-sdk/     phone (the patient's client), counter (the pharmacist's), medcard (the gomobile glove over both),
//	                credential (organisations' tokens), problem, jws
//
// Imports go one way: main -> server -> doors -> acts -> pure rooms of the cellar, crafts, domain. The store stands beside
// the acts: it satisfies their interfaces and imports none of them. sync/cardsync and qr/document are the only bridges
// from a craft to the domain. house_test walks these rules.
package domain
