// Package phone is the patient's client of Medcard: the whole card in an encrypted file on the phone, readable and writable
// without a network, kept in step with the server by delta sync.
//
// # A client's life
//
//	client, err := phone.Open(ctx, phone.Config{File: path, Key: key, BaseURL: "https://card.example"})
//	challenge, err := client.SignIn(ctx, login, password)      // a code goes to the person's phone
//	err = client.SecondFactor(ctx, challenge.ID, code)
//	id, err := client.Claim(ctx, codeFromTheDesk)              // once: the card becomes the person's
//	report, err := client.Sync(ctx)                            // or client.Run(ctx) in the background
//
//	mine := client.Card(id)
//	visits, err := mine.Visits(phone.Paging{})                 // from the file: works in an aeroplane
//	hits, err := mine.Search(ctx, "боли в груди", phone.Paging{})   // so does this
//	edit, err := mine.Comment(visits.Entries[0].ID, "...")     // waits in the outbox for the next Sync
//
// What changes the ways in to the account, or lets another person read, is refused with CodeStepUp unless the second factor was shown a few
// minutes ago: StepUp, ConfirmStepUp, and again. EnrolAuthenticator, NewRecoveryCodes, BeginPasskey and BeginLink give a person further
// factors; Devices, SignOutDevice and SignOutOthers are for the day when a phone is lost, LostPassword for the one when the password is.
//
// What takes a context (SignIn, Me, Card.Grants, Card.AccessLog and the like) needs the network and fails with ErrOffline without
// it. Everything else on a Card reads and writes the file only.
//
// Each request proves by a key that never leaves the file that it comes from this installation (DPoP, RFC 9449), so tokens that somebody copied
// are of no use. BaseURL is to be the address that the server knows itself by (MEDCARD_PUBLIC_URL): the proof names it.
//
// # What a person sees
//
// Lists show the newest value of each record. Entry.Pending says that something of it was written here and the server has not
// answered yet; Entry.Siblings holds the other values of an open conflict: two phones wrote the same text without knowing
// of each other, both are kept, and the person resolves (Card.Conflicts, Editor.Resolve). An edit that the server refuses stays in
// Card.Outbox with its code until it is dismissed, so that nobody's text is lost.
//
// Search finds records of all kinds by the words of their texts, in Russian and English whatever the ending, and by codes as they are
// typed. Its index stands in the encrypted file and changes in the same transaction as the records; what is deleted leaves it at
// once, in the file too. A file of an older version is indexed as it is opened, which for a large card takes a few seconds, once.
//
// To edit a record open an Editor, show what it shows, and save through it. It remembers what was on the screen when it was
// opened; what a sync brings meanwhile is not taken as seen.
//
// # Files
//
// Reports, documents, comments and measurements may name files by their hash. They stay at the server until somebody wants to see one:
//
//	file, err := mine.Attachment(ctx, report.Attachments[0].Hash, nil) // fetched once; then it opens in an aeroplane, too
//	all, err := io.ReadAll(file)
//
// A download that breaks off goes on with the byte where it stopped, also after a restart; what came is held against the hash before
// it is given out. It lies in the encrypted file and goes with the last record that names it. Config.FileCache bounds the room; what was used
// longest ago makes place, and what only this phone has stays.
//
//	photo, err := mine.Attach("Мой тонометр", "image/jpeg", picture) // into the encrypted file, without a network
//	edit, err := mine.Comment(id, "Так каждое утро", photo)
//
// The next Sync sends the comment and then the photo, piece by piece; what is written meanwhile goes before the rest of it. Card.Uploads tells
// how far each is, and why the server refused one (Card.RetryUpload). Trust File.ContentType, which looks at the bytes, and not what the record
// says.
//
// Papers by which a person proves who he is wait in the encrypted file as well, and the next Sync hands them in, once, whatever answers are lost:
//
//	err := client.KeepDocument(evidence.Passport, "4510 123456", front, back) // without a network; the number is checked here
//	waiting, err := client.KeptDocuments()                                    // how far each is, and why the server refused one
//	judged, err := client.SeenDocuments()                                     // what Client.Documents gave last
//	err := client.KeepClaim(claimed, certificate)                             // to act for a patient, the same way: KeptClaims
//
// # Acting for another
//
//	list, err := client.Represents(ctx)                                    // for whom may I act?
//	token, err := client.Card(list[0].Card).OpenAsRepresentative(ctx, list[0].ID) // a child's card, on this phone, for 24 hours
//	report, err := client.Sync(ctx)
//
// An attorney's principal needs no token: the card comes with the next Sync, and goes with the letter's term. Who may look and not write has
// his edits refused as read_only. What somebody does in another's name stands in that one's AccessLog with both.
//
// # How long it may be read
//
// The server lends each scope for a time (90 days for one's own card), and every sync renews that. After the end the SDK
// refuses to open the scope (LeaseError), and finds nothing of it. Setting the phone's clock back gains nothing.
//
// With the scope goes the key under which its records are sealed, so that a memory chip that still holds them shows nothing. Hand in
// Config.ScopeKeys for that: without the phone's keystore the keys stand in the file and are overwritten, as the records are.
//
// # Who saw the card, proven
//
// Card.AccessLog shows who saw the card; Card.VerifyAccessLog proves that the server has changed and left out nothing of that since it was
// written. The phone keeps the newest signed checkpoint of the server's audit log and takes only one that continues it. An *AuditError says what
// is wrong, and holds the evidence. Client.WitnessAuditLog is the cheap half of it, which Run does every day: Config.AuditAlarm hears of it.
//
// # What cannot be kept as it was
//
// An edit whose record is gone by the time it arrives is refused (Edit.Reissuable): ask the person, and Card.Reissue makes a new record of it.
//
// A damaged file costs no edit that can still be read. One that cannot is shown as refused with CodeUnreadable, or told of by Losses. A call
// that meets a damaged page fails with ErrDamagedFile: close the client and Open it again. Sign in if ErrSignedOut says so, and Sync.
//
// # Errors
//
// What the server refuses is a *problem.Problem with a stable Code. ErrOffline, ErrSignedOut, ErrLeaseEnded, ErrKey and the others below are
// for errors.Is. No error holds health data.
//
// # Kotlin and Swift
//
// This package is Go for Go. For apps the glove for gomobile stands beside it, in mobile-sdk/medcard: lists as JSON, times as Unix
// milliseconds, callbacks as interfaces. What holds for both: the key comes from the Android Keystore or the iOS Keychain and is
// handed to Open at each start. The SDK has it in memory while the file is open and writes it nowhere; an app that wipes deletes it
// from the keystore, too.
package phone
