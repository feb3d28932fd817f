package scan

import "strings"

// Kind says what sort of code a text came from, as far as its first characters tell.
type Kind string

// The kinds. DataMatrix is told by its shape, all others are QR codes told by their text.
const (
	EMC1       Kind = "emc1"       // a signed document of this product
	EMC1Token  Kind = "emc1-token" // the small code printed beside it: a token to ask the server about
	HC1        Kind = "hc1"        // an EU Digital COVID Certificate
	SHC        Kind = "shc"        // a SMART Health Card
	DataMatrix Kind = "datamatrix" // the mark on a medicine pack
	Other      Kind = "other"      // any other QR code
)

// prefixes is in no order: none is the beginning of another.
var prefixes = map[string]Kind{
	"EMC1:":  EMC1,
	"EMC1T:": EMC1Token,
	"HC1:":   HC1,
	"shc:/":  SHC,
}

// KindOf tells the kind of a QR code by its text. The prefixes are compared as they are: base45 has no lower case,
// and a code that differs was not made by the format's own rules.
func KindOf(text string) Kind {
	for prefix, kind := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return kind
		}
	}
	return Other
}
