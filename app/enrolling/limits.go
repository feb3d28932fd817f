package enrolling

import (
	"net/netip"
	"time"
)

// limit lets burst things happen at once and one more every period (the generic cell rate algorithm: all it keeps per key
// is the instant until which the limit is spent).
type limit struct {
	name  string
	burst int
	every time.Duration
}

// The limits. Each is counted for what its name says. There is none on the tries at an account from everywhere: whoever
// wanted to keep a patient out would only have to use it up. Guessing from many addresses ends at the second factor.
//
// Limits on a target, a number that codes are sent to, say, are of the same kind: strangers use them up. So whoever asks has a few of his own for
// it besides, counted for his network or account (spendOn). To keep a patient out one needs as many networks as it takes to flood his phone.
var (
	signInByDevice   = limit{"sign-in/account,device", 10, time.Minute}   // a device from which the person signed in before
	signInByPair     = limit{"sign-in/login,address", 5, 2 * time.Minute} // everybody else
	signInByAddress  = limit{"sign-in/address", 50, 10 * time.Second}     // one guesser at many logins; a clinic's Wi-Fi fits
	smsByDevice      = limit{"second-factor/account,device", 5, 5 * time.Minute}
	smsByPair        = limit{"second-factor/account,address", 5, 10 * time.Minute}
	smsByAccount     = limit{"second-factor/account", 20, time.Hour} // counts strangers who know the password, not known devices
	appByDevice      = limit{"authenticator/account,device", 20, time.Minute}
	appByAccount     = limit{"authenticator/account", 20, time.Hour} // the same: who knows the password has 44 guesses a day at three codes in a million
	passwordByDevice = limit{"password/account,device", 10, time.Minute}
	lostByDevice     = limit{"lost-password/account,device", 5, 5 * time.Minute}
	lostByPair       = limit{"lost-password/login,address", 5, 10 * time.Minute}
	lostByAddress    = limit{"lost-password/address", 20, time.Minute}
	lostByLogin      = limit{"lost-password/login", 20, 15 * time.Minute} // nobody's phone is flooded; known devices are not counted here
	newByAddress     = limit{"register/address", 10, 5 * time.Minute}
	newByPhone       = limit{"register/phone", 5, 30 * time.Minute} // nobody's phone is flooded; sign-in is not counted here
	newByEmail       = limit{"register/email", 5, 30 * time.Minute}
	newByPrefix      = limit{"register/prefix", 50, 10 * time.Second} // fraud buys numbers by the block
	fresh            = limit{"target,asker", 2, time.Hour}            // beside each limit on a target: see spendOn
	flood            = limit{"target", 60, 10 * time.Minute}          // what arrives at one number or address in all
	contactByAccount = limit{"contact/account", 5, 30 * time.Minute}
	claimByAccount   = limit{"claim/account", 5, 10 * time.Minute}
	claimByAddress   = limit{"claim/address", 20, time.Minute}
	policyByAccount  = limit{"policy/account", 5, time.Hour} // five guesses a code: a chance of about one in 8,000 a day
	policyByAddress  = limit{"policy/address", 20, time.Minute}
	policyByNumber   = limit{"policy/number", 5, 30 * time.Minute} // its holder's phone is not flooded
)

// spending is one limit for one key.
type spending struct {
	limit
	of string
}

func (l limit) of(key string) spending { return spending{l, key} }

// spend takes one from each limit or, when one of them is spent, refuses. A refusal rolls the transaction back, so that it
// costs nothing: who waits as long as he is told gets in.
func (s *Service) spend(tx Tx, now time.Time, all ...spending) error {
	for _, one := range all {
		wait, err := s.takeOne(tx, now, one)
		if err != nil {
			return err
		}
		if wait > 0 {
			return errThrottled.After(wait)
		}
	}
	return nil
}

// spendOn takes one from a target's limit and one of the few that the asker has for this target, as far as either has any left, and refuses when
// neither has.
func (s *Service) spendOn(tx Tx, now time.Time, target spending, asker string) error {
	wait, err := s.takeOne(tx, now, target)
	if err != nil {
		return err
	}
	own, err := s.takeOne(tx, now, fresh.of(target.name+"|"+target.of+"|"+asker))
	if err == nil && wait > 0 && own > 0 {
		err = errThrottled.After(min(wait, own))
	}
	return err
}

// takeOne takes one from the limit, or says how long it has none.
func (s *Service) takeOne(tx Tx, now time.Time, one spending) (wait time.Duration, err error) {
	key := s.digest("limit", one.name+"|"+one.of)
	until, err := tx.LockAllowance(key)
	if err != nil {
		return 0, err
	}
	if until.Before(now) {
		until = now
	}
	until = until.Add(one.every)
	if wait = until.Sub(now) - time.Duration(one.burst)*one.every; wait > 0 {
		return wait, nil
	}
	return 0, tx.SetAllowance(key, until)
}

// network is the part of an address that one subscriber has: of IPv6 the first 64 bits, for he may use all that follow.
func (o Origin) network() string {
	address, err := netip.ParseAddr(o.Address)
	if err != nil {
		return "unknown"
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
