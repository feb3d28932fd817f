package prescription

import "time"

// Suspend keeps the prescription from being handed out until the clinic lets it go on or cancels it. While a pharmacy holds it the
// clinic has to wait, as for Cancel.
func (c Course) Suspend(now time.Time) (Course, error) {
	c = c.At(now)
	if err := c.refusal(); err != nil {
		return Course{}, err
	}
	return c.move(OnHold), nil
}

// Resume lets a suspended prescription go on where it was. Its time ran on meanwhile.
func (c Course) Resume(now time.Time) (Course, error) {
	c = c.At(now)
	if c.State != OnHold {
		return Course{}, ErrNotOnHold.In(string(c.State))
	}
	return c.move(c.Idle()), nil
}
