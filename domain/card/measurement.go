package card

// Measurement is the patient's own blood pressure reading. Its four parts are one whole: a merge that took the upper value from one
// phone and the lower from another would invent a reading that nobody took.
type Measurement struct {
	Systolic  int
	Diastolic int
	Pulse     int // 0 = not taken
	Unit      string
	At        Date
}

// Kind is KindMeasurement.
func (Measurement) Kind() Kind { return KindMeasurement }

// When is the reading.
func (m Measurement) When() Date { return m.At }
