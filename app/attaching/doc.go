// Package attaching gives out the files that records name, and takes in those that patients attach.
//
// A file is known by the SHA-256 of its bytes. To know that is no right: each request, and each piece of a long one, asks in a transaction
// of its own whether the permit reads a record that names the file NOW. Of a file that nothing readable names nobody learns
// whether it exists.
//
// Uploads come in pieces of 256 KiB, each of which is kept once it has arrived. The record goes first, by sync: it is what
// matters, a photo of thirty megabytes must not hold up the text beside it, and then an upload that nothing names is refused at
// once. Until the file is there whoever reads the record is told so (attachment.pending). A person who names a file has
// to upload it even if the card has it already: that is the proof of having it, without which a hash would be a key to what is hidden.
//
// With a scanner (Service.Scan; MEDCARD_CLAMD for ClamAV's daemon) a file is looked at when its last piece comes, read from the store piece by
// piece, so that no file is in memory as a whole. One that is infected is refused, and the pieces that were kept of it are deleted. While no
// verdict is to be had the last piece is not taken: the file stays pending with all that has arrived, and the phone sends that piece again.
// What clinics send with their bundles is not scanned, nor what was complete before there was a scanner.
//
// The rules of resuming are those of the tus protocol's core (https://tus.io/protocols/resumable-upload, version 1.0.0): the phone asks
// for the offset and continues there, and a piece for another offset is refused. There is no creation, since the hash is the
// address, and at the end the hash is checked. Uploads that stay unfinished for 30 days are deleted, and so are files of patients which no
// record names any more; what clinics sent stays. Until then such a file takes none of the room that a card has for people's files
// (512 MiB), so that who takes some away can attach others at once; with those that wait a card has twice as much.
// The upkeep is told by commits where a name went, and looks at no card without idle uploads.
package attaching
