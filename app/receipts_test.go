package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/domain/identity"
)

func TestReceipts(t *testing.T) {
	t.Setenv("MEDCARD_DATA", filepath.Join(t.TempDir(), "data"))
	ctx := context.Background()
	if err := withDispensing(ctx, func(desk *dispensing.Service) error {
		_, err := desk.Receive(ctx, identity.Actor{Kind: identity.Pharmacy, Client: "a pharmacy"}, []string{"EMC1:NOTHING"}, "request")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	out, err := medcard(t, "receipts", "list")
	if err != nil || !strings.Contains(out, "bad_format") || !strings.Contains(out, "a pharmacy") {
		t.Fatalf("%s, %v", out, err)
	}
	receipt := strings.Fields(strings.Split(out, "\n")[1])[0]
	if out, err := medcard(t, "receipts", "release", "--as", "Сидорова", "--why", "x", receipt); err == nil || !strings.Contains(err.Error(), "no_fact") {
		t.Errorf("%s, %v", out, err)
	}
	for _, wrong := range [][]string{
		{"receipts", "dismiss", "--as", "Сидорова", "--why", "x"},
		{"receipts", "dismiss", "--as", "Сидорова", "--why", "x", "abc"},
		{"receipts", "dismiss", "--as", "Сидорова", "--why", " ", receipt},
		{"receipts", "dismiss", "--as", "Сидорова", "--why", "x", strings.Repeat("0", 64)},
		{"receipts", "dismiss", "--why", "x", receipt},
	} {
		if out, err := medcard(t, wrong...); err == nil {
			t.Errorf("%v: %s", wrong, out)
		}
	}
	if out, err := medcard(t, "receipts", "dismiss", "--as", "Сидорова", "--why", "not ours", receipt); err != nil || !strings.Contains(out, "dismissed") {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := medcard(t, "receipts", "list"); err != nil || strings.Contains(out, receipt) {
		t.Errorf("%s, %v", out, err)
	}
	for _, list := range []string{"cases", "late"} {
		if out, err := medcard(t, "receipts", list); err != nil || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %s, %v", list, out, err)
		}
	}
}
