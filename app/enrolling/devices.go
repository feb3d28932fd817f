package enrolling

import (
	"context"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

var errNoDevice = fault.New(fault.NotFound, "device.not_found", "The account has no such device.")

// Devices lists the devices from which the actor's account was signed in to, the last one first.
func (s *Service) Devices(ctx context.Context, a identity.Actor) (list []account.ListedDevice, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.Devices(a.Account, s.now())
		return err
	})
	return list, err
}

// SignOutDevice ends what is open on one device of the person, at once, and its pushes with it.
func (s *Service) SignOutDevice(ctx context.Context, a identity.Actor, id identity.DeviceID) error {
	if err := s.dangerous(a); err != nil {
		return err
	}
	canonical, ok := canonicalID(string(id))
	if !ok {
		return errNoDevice
	}
	now := s.now()
	return s.change(ctx, a, emailSignedOut, func(tx Tx) (refused, err error) {
		found, err := tx.ForgetDevice(a.Account, identity.DeviceID(canonical), now)
		if err == nil && !found {
			refused = errNoDevice
		}
		return refused, err
	})
}

// SignOutOthers ends every session but the actor's own.
func (s *Service) SignOutOthers(ctx context.Context, a identity.Actor) error {
	if err := s.dangerous(a); err != nil {
		return err
	}
	now := s.now()
	return s.change(ctx, a, emailSignedOut, func(tx Tx) (refused, err error) {
		return nil, tx.ForgetOtherDevices(a.Account, a.Device, a.Session, now)
	})
}
