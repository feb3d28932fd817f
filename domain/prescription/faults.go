package prescription

import "github.com/medcard/medcard/domain/fault"

// What can be wrong. The conflicts also carry the state the prescription is in.
var (
	ErrSheet = fault.New(fault.Invalid, "prescription.invalid", "The prescription cannot be issued as it stands; the fields say why.")

	ErrInWork    = fault.New(fault.Conflict, "prescription.in_work", "A pharmacy is serving this prescription; its hold ends by itself within ten minutes.")
	ErrDispensed = fault.New(fault.Conflict, "prescription.dispensed", "Everything on this prescription has been handed out.")
	ErrCancelled = fault.New(fault.Conflict, "prescription.cancelled", "The clinic has cancelled this prescription.")
	ErrOnHold    = fault.New(fault.Conflict, "prescription.on_hold", "The clinic has suspended this prescription.")
	ErrNotOnHold = fault.New(fault.Conflict, "prescription.not_on_hold", "This prescription is not suspended.")
	ErrExpired   = fault.New(fault.Conflict, "prescription.expired", "The prescription is no longer valid.")
	ErrTooEarly  = fault.New(fault.Conflict, "prescription.too_early", "The next part of this course may not be handed out yet.")

	ErrNoLease     = fault.New(fault.Conflict, "dispensing.no_hold", "The hold on this prescription has ended: accept it again.")
	ErrWrongSecret = fault.New(fault.Denied, "dispensing.wrong_secret", "The prescription is held by someone else.")
	ErrDeferred    = fault.New(fault.Conflict, "dispensing.deferred", "Another pharmacy has ordered the medicine for this prescription, and its term has not passed.")
	ErrNoSupply    = fault.New(fault.Conflict, "dispensing.not_deferred", "You have not registered this prescription for deferred supply, or it has ended.")
	ErrAssortment  = fault.New(fault.Invalid, "dispensing.assortment", "The assortment is minimum, other or commission.")
	ErrPortion     = fault.New(fault.Invalid, "dispensing.portion", "What was handed out does not fit what remains.")
)
