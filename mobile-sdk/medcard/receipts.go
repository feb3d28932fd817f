package medcard

import (
	"time"

	"github.com/medcard/medcard/mobile-sdk/counter"
)

type deviceShape struct {
	Key      string `json:"key"`
	Name     string `json:"name"`
	State    string `json:"state"`
	AddedAt  int64  `json:"addedAt"`
	Receipts uint64 `json:"receipts"`
}

func deviceOf(d counter.Device) deviceShape {
	return deviceShape{Key: d.Key, Name: d.Name, State: d.State, AddedAt: millis(d.AddedAt), Receipts: d.Receipts}
}

// Enrol makes this device known to the server under the pharmacy, once, so that HandOut works. It gives {"key", "name", "state",
// "addedAt", "receipts"}; state is active, retired, stolen or forked.
func (c *Counter) Enrol(name string) (device []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	d, err := c.inner.Enrol(ctx, name)
	if err != nil {
		return nil, err
	}
	return marshal(deviceOf(d))
}

// Devices lists the pharmacy's devices as Enrol gives one.
func (c *Counter) Devices() (devices []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	list, err := c.inner.Devices(ctx)
	if err != nil {
		return nil, err
	}
	shapes := make([]deviceShape, len(list))
	for i, d := range list {
		shapes[i] = deviceOf(d)
	}
	return marshal(shapes)
}

// EndDevice takes a device of the pharmacy out of use, by its key. Of a stolen one nothing is believed any more.
func (c *Counter) EndDevice(key string, stolen bool) (device []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	d, err := c.inner.EndDevice(ctx, key, stolen)
	if err != nil {
		return nil, err
	}
	return marshal(deviceOf(d))
}

// ReplaceKey makes a new key after this device's ended; Upload first, then Enrol.
func (c *Counter) ReplaceKey() (err error) {
	defer guard(&err)
	return c.inner.Replace()
}

type receiptShape struct {
	Number  uint64 `json:"number"`
	At      int64  `json:"at"`
	Receipt string `json:"receipt"`
}

// HandOut hands a code out without a network: it checks it and signs a receipt. portions are as in Complete, now 0 = the phone's
// clock. Only when it returns may the medicine be given: then the receipt is on the disk. It gives {"number", "at", "receipt"}.
func (c *Counter) HandOut(code string, portions []byte, now int64) (receipt []byte, err error) {
	defer guard(&err)
	var shapes []portionShape
	if err := unmarshal(portions, &shapes); err != nil {
		return nil, err
	}
	list := make([]counter.Portion, len(shapes))
	for i, s := range shapes {
		list[i] = counter.Portion(s)
	}
	at := time.Now()
	if now != 0 {
		at = moment(now)
	}
	r, err := c.inner.HandOut(code, list, at)
	if err != nil {
		return nil, err
	}
	return marshal(receiptShape{Number: r.Number, At: millis(r.At), Receipt: r.Text})
}

// Pending is how many receipts wait for the server.
func (c *Counter) Pending() (n int, err error) {
	defer guard(&err)
	return c.inner.Pending(), nil
}

type filedShape struct {
	Number  uint64 `json:"number"`
	Outcome string `json:"outcome"`
	Doubt   string `json:"doubt,omitempty"`
}

// Upload sends the receipts that wait. It gives [{"number", "outcome", "doubt"}]: applied; case, applied too, but patient and
// prescriber are told of it; quarantined, it changed nothing and waits for an operator. What failed stays and goes with the next call.
func (c *Counter) Upload() (filed []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	list, err := c.inner.Upload(ctx)
	if err != nil {
		return nil, err
	}
	shapes := make([]filedShape, len(list))
	for i, f := range list {
		shapes[i] = filedShape(f)
	}
	return marshal(shapes)
}

// Defer registers that the pharmacy has to get the medicine first; the hold ends. assortment is minimum, other or commission and decides
// the term. It gives what Complete does, with "supply": {"registeredAt", "dueAt", "arrivedAt", "keptUntil"}.
func (c *Counter) Defer(held *Held, assortment, key string) (outcome []byte, err error) {
	defer guard(&err)
	if held == nil {
		return nil, errArgument
	}
	ctx, end := c.term()
	defer end()
	return outcomeJSON(c.inner.Defer(ctx, held.inner, counter.Assortment(assortment), key))
}

// Arrived says that the ordered medicine is there; id is the prescription's. The patient is told.
func (c *Counter) Arrived(id, key string) (outcome []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return outcomeJSON(c.inner.Arrived(ctx, id, key))
}

// Withdraw ends an order without the medicine.
func (c *Counter) Withdraw(id, key string) (outcome []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	return outcomeJSON(c.inner.Withdraw(ctx, id, key))
}

type supplyShape struct {
	RegisteredAt int64 `json:"registeredAt"`
	DueAt        int64 `json:"dueAt"`
	ArrivedAt    int64 `json:"arrivedAt,omitempty"`
	KeptUntil    int64 `json:"keptUntil"`
}

func supplyOf(s *counter.Supply) *supplyShape {
	if s == nil {
		return nil
	}
	return &supplyShape{RegisteredAt: millis(s.RegisteredAt), DueAt: millis(s.DueAt), ArrivedAt: orZero(s.ArrivedAt), KeptUntil: millis(s.KeptUntil)}
}

type deferredShape struct {
	ID      string       `json:"id"`
	Supply  *supplyShape `json:"supply"`
	Overdue bool         `json:"overdue,omitempty"`
}

// Deferred lists what the pharmacy has ordered: [{"id", "supply", "overdue"}], the next term first.
func (c *Counter) Deferred() (deferred []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	list, err := c.inner.Deferred(ctx)
	if err != nil {
		return nil, err
	}
	shapes := make([]deferredShape, len(list))
	for i, d := range list {
		shapes[i] = deferredShape{ID: d.ID, Supply: supplyOf(&d.Supply), Overdue: d.Overdue}
	}
	return marshal(shapes)
}
