// Package counter is the pharmacist's client: it verifies the codes of prescriptions without a network and hands medicines out with
// one.
//
//	c, err := counter.Open(counter.Config{Dir: dir, Server: "https://medcard.example", Roots: roots, Bearer: source.As(pharmacist)})
//	err = c.Refresh(ctx)                      // when there is a network: key set and status lists
//	verdict := c.Verify(text, time.Now())     // never touches the network; says how old its knowledge is
//	held, err := c.Accept(ctx, text, key)     // holds the prescription for ten minutes
//	held, err = c.AcceptTyped(ctx, "1234 5678 9012 3456", 1956, key) // where no code can be read: the number on the paper, the year of birth
//	done, err := c.Complete(ctx, held, []counter.Portion{{Item: 0, Quantity: 30}}, key2)
//
// Without a network a device that was enrolled before hands out all the same, and tells the server later:
//
//	_, err = c.Enrol(ctx, "Till 1")                                           // once, with a network
//	receipt, err := c.HandOut(text, []counter.Portion{{Item: 0, Quantity: 30}}, time.Now())
//	filed, err := c.Upload(ctx)                                               // when there is a network again
//
// HandOut asks for a verdict of OK, which only codes of forms that are not controlled can have, and only with a status list younger
// than 48 hours; it takes off what this counter handed out before and keeps to the days of a long course. It signs a receipt with the
// device's own key, numbered without gaps and naming the one before, and has it on the disk before it returns: an error means that the
// medicine stays where it is. Upload sends receipts in order and forgets each only when the server has said what became of it: applied;
// case, which is applied too, but somebody else handed the same out and patient and prescriber are told; or quarantined with a doubt,
// which waits for an operator and changed nothing.
//
// The folder is one device: one program at a time, no copies. The server takes what follows a fork of the chain for nobody's word.
// Replace makes a new key after that. Config.DeviceKey puts the key into the phone's keystore instead of the folder.
//
// A medicine that the pharmacy lacks is ordered: Defer, later Arrived, and Accept again when the patient comes.
//
// A verdict that says OK means: signed by a key in force, in time, and not revoked as far as the cached status list knows. It does
// not mean that nobody else handed it out a minute ago: only Accept tells that.
//
// Each thing the pharmacist does gets a fresh idempotency key (NewKey). When an answer is lost, ask again with the same key: the
// server gives the same answer and does nothing twice.
package counter
