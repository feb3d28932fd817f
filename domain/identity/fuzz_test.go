package identity

import "testing"

// Whatever is typed, a number is either refused, or read into a canonical form that reads as itself.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"112-233-445 95", "2341998071655749", "500100732259", "1027700132195", "8 (912) 345-67-89", "anna@example.ru", "K7QM-2F9D-X4TB", "", "@", "+7", "\xff", "－１"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		canonical(t, typed, ParseSNILS)
		canonical(t, typed, ParsePolicy)
		canonical(t, typed, ParseINN)
		canonical(t, typed, ParseOGRN)
		canonical(t, typed, ParsePhone)
		canonical(t, typed, ParseEmail)
		canonical(t, typed, ParseClaimCode)
		_ = SNILS(typed).Printed()
		_ = ClaimCode(typed).Printed()
		_, _ = Phone(typed).Masked(), Phone(typed).Prefix()
		_ = Email(typed).Masked()
	})
}

func canonical[T ~string](t *testing.T, typed string, parse func(string) (T, error)) {
	t.Helper()
	got, err := parse(typed)
	if err != nil {
		return
	}
	if again, err := parse(string(got)); err != nil || again != got {
		t.Errorf("%q reads as %q, which reads as %q, %v", typed, string(got), string(again), err)
	}
}
