package scan_test

import (
	"context"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/datamatrix"
	"github.com/makiuchi-d/gozxing/datamatrix/encoder"

	"github.com/medcard/medcard/qr/scan"
)

// mark is what stands on a pack: GTIN, serial number, check key and signature, divided by group separators.
const mark = "010460043993125621JgXJ5.T\x1d91EE06\x1d92dGVzdA=="

func packModules(t testing.TB, text string) (size int, dark func(x, y int) bool) {
	t.Helper()
	bits, err := datamatrix.NewDataMatrixWriter().Encode(text, gozxing.BarcodeFormat_DATA_MATRIX, 0, 0,
		map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_DATA_MATRIX_SHAPE: encoder.SymbolShapeHint_FORCE_SQUARE})
	if err != nil {
		t.Fatal(err)
	}
	return bits.GetWidth(), bits.Get
}

// TestMedicinePack: the mark on a pack is told apart from a code of ours.
func TestMedicinePack(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	t.Parallel()
	for _, p := range []print{
		{text: mark, side: 0.3},
		{text: mark, side: 0.12},
		{text: mark, side: 0.3, turn: 0.1},
		{text: mark, side: 0.3, turn: 0.8},
		{text: mark, side: 0.3, turn: 2},
		{text: mark, side: 0.5, turn: 4, tilt: 0.15},
		{text: "0104600439931256", side: 0.2, turn: 5},
	} {
		p.pack, p.middle = true, [2]float64{0.4, 0.55}
		s := scene{w: 1200, h: 900, prints: []print{p}, noise: 3, blur: 0.7, shadow: 0.3}
		result, err := patient().Read(context.Background(), photograph(t, s))
		if err != nil || len(result.Codes) != 1 || result.Codes[0].Kind != scan.DataMatrix || result.Codes[0].Text != p.text {
			t.Errorf("side %.2f, turn %.1f: %+v, %v", p.side, p.turn, result.Codes, err)
			continue
		}
		near(t, result.Codes[0].Corners, s.corners(p), 0.05*p.side*float64(s.h))
	}
}

// TestPackBesideOurs: a pack in the picture does not hide a prescription.
func TestPackBesideOurs(t *testing.T) {
	t.Parallel()
	pack := print{text: mark, pack: true, side: 0.3, middle: [2]float64{0.25, 0.5}}
	ours := print{text: "EMC1:BESIDE A PACK", side: 0.3, middle: [2]float64{0.75, 0.5}}
	result, err := patient().Read(context.Background(), photograph(t, scene{w: 1200, h: 900, prints: []print{pack, ours}, noise: 3}))
	if err != nil || len(result.Codes) == 0 || result.Codes[0].Kind != scan.EMC1 {
		t.Errorf("%+v, %v", result.Codes, err)
	}
}
