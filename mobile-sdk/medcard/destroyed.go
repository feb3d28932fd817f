package medcard

// DestroyedCards asks the server which cards of the person were destroyed, the newest first. JSON: [{"card", "at", "order", "ask"}]: which document ordered
// it, and whom to ask. Ask when a sync reports a card as gone, or a push came.
func (c *Client) DestroyedCards() (list []byte, err error) {
	defer guard(&err)
	ctx, end := c.term()
	defer end()
	all, err := c.inner.DestroyedCards(ctx)
	if err != nil {
		return nil, err
	}
	type destroyedShape struct {
		Card  string `json:"card"`
		At    int64  `json:"at"`
		Order string `json:"order"`
		Ask   string `json:"ask"`
	}
	shape := make([]destroyedShape, len(all))
	for i, d := range all {
		shape[i] = destroyedShape{Card: string(d.Card), At: millis(d.At), Order: d.Order, Ask: d.Ask}
	}
	return marshal(shape)
}
