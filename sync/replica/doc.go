// Package replica is the engine of delta sync, of both sides: Server judges what phones send and answers what they ask,
// Phone keeps the base, the outbox and the view of one card. Neither knows what a record means, where it is stored or how
// bytes travel: the server's store is a Ledger, the phone's a PhoneStore, the network is whoever carries package wire.
//
// The engine works inside transactions that it is given and touches nothing else, so a store may run it again after a
// serialisation failure. Its reasons stand in the doc of the folder sync.
package replica
