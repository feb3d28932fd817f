package card

// Measurement is the patient's own blood pressure reading. Its parts are one whole: a merge that took the upper value from one
// phone and the lower from another would invent a reading that nobody took. Only the attachments, a photo of the display, are apart.
type Measurement struct {
	Systolic    int
	Diastolic   int
	Pulse       int // 0 = not taken
	Unit        string
	At          Date
	Attachments []Attachment
}

// Kind is KindMeasurement.
func (Measurement) Kind() Kind { return KindMeasurement }

// When is the reading.
func (m Measurement) When() Date { return m.At }

// MillimetresOfMercury is the unit of blood pressure, in UCUM.
const MillimetresOfMercury = "mm[Hg]"

// Plausible reports whether the reading can be one of a living person: it catches swapped fields and slips of the finger, not illness.
func (m Measurement) Plausible() bool {
	return m.Systolic >= 40 && m.Systolic <= 320 && m.Diastolic >= 20 && m.Diastolic < m.Systolic &&
		(m.Pulse == 0 || m.Pulse >= 20 && m.Pulse <= 350) && m.Unit == MillimetresOfMercury && m.At.Precision() == Moment
}
