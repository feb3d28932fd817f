package scan

import (
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/datamatrix/decoder"
)

// decodePack turns the sampled modules of a Data Matrix into text.
func decodePack(bits *gozxing.BitMatrix) (text string, ok bool) {
	err := guard(func() error {
		result, err := decoder.NewDecoder().Decode(bits)
		if err != nil {
			return err
		}
		text = result.GetText()
		return nil
	})
	return text, err == nil && text != ""
}
