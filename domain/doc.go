// Package domain holds the nouns of Medcard, one package a noun, and nothing else: no tags, no clock, no context, no I/O.
//
// The whole house in three sentences: the domain names things; app performs acts on them; sync, qr and push are crafts
// that know nothing of medicine.
//
//	app/            flags and signals; below it doors (httpapi, oauth), acts (gerunds: enrolling, charting, issuing ...)
//	                and the cellar (store, keys, jobs, fhir)
//	domain/         nouns: fault identity card consent audit prescription referral notice
//	sync/           vclock -> wire -> replica -> cardsync; simnet proves them
//	qr/             the EMC1 envelope; trust, document, picture, scan
//	push/           Message, Sender; fcm; pushtest
//	migrations/     SQL for both databases
//	mobile-sdk/     phone (the patient's client), counter (the pharmacist's)
//
// Imports go one way: main -> server -> doors -> acts -> pure rooms of the cellar, crafts, domain. The store stands beside
// the acts: it satisfies their interfaces and imports none of them. sync/cardsync and qr/document are the only bridges
// from a craft to the domain. house_test walks these rules.
package domain
