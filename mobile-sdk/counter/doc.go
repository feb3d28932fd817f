// Package counter is the pharmacist's client: it verifies the codes of prescriptions without a network and hands medicines out with
// one.
//
//	c, err := counter.Open(counter.Config{Dir: dir, Server: "https://medcard.example", Roots: roots, Bearer: source.As(pharmacist)})
//	err = c.Refresh(ctx)                      // when there is a network: key set and status lists
//	verdict := c.Verify(text, time.Now())     // never touches the network; says how old its knowledge is
//	held, err := c.Accept(ctx, text, key)     // holds the prescription for ten minutes
//	done, err := c.Complete(ctx, held, []counter.Portion{{Item: 0, Quantity: 30}}, key2)
//
// A verdict that says OK means: signed by a key in force, in time, and not revoked as far as the cached status list knows. It does
// not mean that nobody else handed it out a minute ago: only Accept tells that.
//
// Each thing the pharmacist does gets a fresh idempotency key (NewKey). When an answer is lost, ask again with the same key: the
// server gives the same answer and does nothing twice.
package counter
