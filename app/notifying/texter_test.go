package notifying

import (
	"errors"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/notifying/smpp/smpptest"
	"github.com/medcard/medcard/domain/fault"
)

func TestTexter(t *testing.T) {
	c := smpptest.Start(t, "medcard", "s3cret")
	texter, err := ReadTexter("smpp://medcard:s3cret@" + c.Address + "?from=Medcard")
	if err != nil {
		t.Fatal(err)
	}
	if err := texter.SMS(t.Context(), "+79161234567", "123456 — код"); err != nil {
		t.Fatal(err)
	}
	if taken, _ := c.Taken(); len(taken) != 1 || taken[0].Text != "123456 — код" || taken[0].To != "79161234567" {
		t.Errorf("%+v", taken)
	}
	c.Refuse(0x0B) // ESME_RINVDSTADR
	err = texter.SMS(t.Context(), "+79161234567", "123456 — код")
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Unavailable || f.Code != "sms.unavailable" || f.RetryAfter == 0 {
		t.Errorf("refused: %v", err)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), "7916") || strings.Contains(err.Error(), "123456") {
			t.Errorf("it tells what was sent, or to whom: %v", err)
		}
	}
}

func TestAddressesOfMessageCentres(t *testing.T) {
	for address, good := range map[string]bool{
		"smpps://medcard:x@smsc.example.ru?from=Medcard":      true,
		"smpps://medcard:x@smsc.example.ru:3551?from=Medcard": true,
		"smpp://medcard:x@10.8.0.1?from=79001234567":          true,
		"smpp://medcard:x@127.0.0.1:2775?from=Medcard":        true,
		"smpp://medcard:x@[::1]:2775?from=Medcard":            true,
		"smpp://medcard:x@smsc.example.ru?from=Medcard":       false, // codes in the clear over the internet
		"smpp://medcard:x@8.8.8.8?from=Medcard":               false,
		"smpps://medcard:x@smsc.example.ru":                   false,
		"smpps://smsc.example.ru?from=Medcard":                false,
		"https://medcard:x@smsc.example.ru?from=Medcard":      false,
		"smpps://medcard:x@smsc.example.ru/path?from=Medcard": false,
		"smpps://%zz":                    false,
		"smpps://a:b@h?from=" + longName: false,
	} {
		_, err := ReadTexter(address)
		if good != (err == nil) {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "medcard:x") {
			t.Error("the refusal holds the password")
		}
	}
}

const longName = "ANameThatNoPhoneWouldShow"
