// Package prescription names the prescription: the forms it is written on and how long each is valid, what stands on the sheet, and
// the course of handing it out, exactly once, at one counter at a time.
//
//	Sheet         what the prescriber wrote: form, validity, bearer, one to three items
//	Prescription  a sheet that was issued: with its token, its times and its course
//	Course        how far the handing out has come; its methods are the whole state machine
//
// The course goes
//
//	issued -> in_work (one pharmacy's lease) -> partly_dispensed | dispensed
//	               \-> back where it was: rejected, or the lease ran out
//	issued | partly_dispensed -> cancelled | expired | on_hold (suspended by the clinic)
//	on_hold -> where it was | cancelled | expired
//
// A pharmacy that lacks the medicine registers a Supply: it has a term in working days to get it, and until then the prescription
// does not expire for it. What a pharmacy's device handed out without a network comes later as a Receipt: a fact that the course
// takes in whatever happened meanwhile, counting apart what was too much.
//
// Everything here is a pure function of its arguments. That only one of many pharmacists at once wins is the store's part: it
// writes a course back only where Version still is what was read.
package prescription
