// Package proof checks from outside that the audit log is one log: that a checkpoint is signed, that a longer log begins with the
// shorter one, that an entry stands in it. It believes nothing that the server says and keeps nothing; app/auditing describes the format.
package proof
