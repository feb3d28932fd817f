package dispensing

import (
	"context"
	"crypto/ed25519"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
)

// Why a device is refused.
var (
	ErrDeviceKey   = fault.New(fault.Invalid, "device.key", "The key is the 32 bytes of an Ed25519 public key, and the proof its signature over the text of an enrolment.")
	ErrDeviceName  = fault.New(fault.Invalid, "device.name", "The name has 1 to 60 characters.")
	ErrDeviceTaken = fault.New(fault.Conflict, "device.taken", "This key is enrolled by somebody else: make a new one.")
	ErrDeviceEnded = fault.New(fault.Conflict, "device.ended", "This key was retired or lost its trust: make a new one.")
	ErrDevices     = fault.New(fault.Conflict, "device.too_many", "The pharmacy has as many devices in use as it may have: retire one.")
	ErrNoDevice    = fault.New(fault.NotFound, "device.not_found", "The pharmacy has no such device.")
)

const maxDeviceName = 60

// Enrol makes a device of the pharmacy known: from now on receipts under its key may be facts. The proof shows that the device has the
// private half. Enrolled again it is the same device.
func (s *Service) Enrol(ctx context.Context, a identity.Actor, public, proof []byte, name string) (d prescription.Device, err error) {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || utf8.RuneCountInString(name) > maxDeviceName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return d, ErrDeviceName
	}
	if len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, document.EnrolmentText(public), proof) {
		return d, ErrDeviceKey
	}
	wanted := prescription.Device{Key: prescription.DeviceKey(qr.KeyIDOf(public)), Public: public, Holder: a.Client, Name: name, Added: s.Clock()}
	err = s.Store.Update(ctx, func(tx Tx) error {
		known, found, err := tx.LockCounterDevice(wanted.Key)
		if err != nil {
			return err
		}
		if found {
			d = known
			return usable(known, a.Client)
		}
		all, err := tx.CounterDevices(a.Client)
		if err != nil {
			return err
		}
		inUse := 0
		for _, other := range all {
			if usable(other, a.Client) == nil {
				inUse++
			}
		}
		if inUse >= prescription.MaxDevices {
			return ErrDevices
		}
		d = wanted
		added, err := tx.AddCounterDevice(wanted)
		if err == nil && !added {
			err = errRaced
		}
		return err
	})
	return d, err
}

func usable(d prescription.Device, by identity.ClientID) error {
	switch {
	case d.Holder != by:
		return ErrDeviceTaken
	case !d.Retired.IsZero() || !d.Stolen.IsZero() || !d.Forked.IsZero():
		return ErrDeviceEnded
	}
	return nil
}

// Devices lists the pharmacy's devices, those that ended too.
func (s *Service) Devices(ctx context.Context, a identity.Actor) (list []prescription.Device, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.CounterDevices(a.Client)
		return err
	})
	return list, err
}

// End takes a device out of use. Of a retired one the receipts from before stay good, of a stolen one nothing that comes from now on,
// because a thief chooses the time.
func (s *Service) End(ctx context.Context, a identity.Actor, key prescription.DeviceKey, stolen bool) (d prescription.Device, err error) {
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) (err error) {
		var found bool
		if d, found, err = tx.LockCounterDevice(key); err != nil {
			return err
		}
		if !found || d.Holder != a.Client {
			return ErrNoDevice
		}
		if d.Retired.IsZero() {
			d.Retired = now
		}
		if stolen && d.Stolen.IsZero() {
			d.Stolen = now
		}
		return tx.SetCounterDevice(d)
	})
	return d, err
}
