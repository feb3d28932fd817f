package fhir

import (
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/posting"
)

// noRecord resolves no reference.
func noRecord(posting.Key) card.RecordID { return "" }
