// Package pushtest is the other end of a push: a server that speaks FCM's HTTP v1 protocol on a real socket, so that the real
// SDK can be used against it, and that misbehaves on demand.
//
// It accepts what FCM accepts and refuses what FCM refuses (a second target, an unknown field, data alone to Apple at high
// priority, more than 4 kB), keeps every accepted message as it came over the wire, and answers with the faults it was told
// to. It needs no *testing.T: the demonstration uses it too.
package pushtest
