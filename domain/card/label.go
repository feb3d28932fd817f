package card

import (
	"reflect"
	"slices"
	"strings"
)

// The labels of what is more than ordinarily secret, in the order in which they count where several would fit: access to such a scope is
// given by its name or with its whole class, and on a phone it is leased for a short time only. The codes are those of HL7 v3 ActCode
// (InformationSensitivityPolicy), the ranges are of ICD-10.
const (
	HIV          = "hiv"          // HIV: B20-B24, Z21
	Addiction    = "addiction"    // SUD, ETH, ETHUD, OPIOIDUD: F10-F19
	Psychiatric  = "psychiatric"  // PSY, MH, BH, PSYTHPN: F00-F99 but for addiction
	Venereal     = "venereal"     // STD: A50-A64
	Violence     = "violence"     // SDV, DVD, SAV: T74, Y04-Y07
	Reproductive = "reproductive" // SEX, PREGNANT...: O04, Z30
	Genetic      = "genetic"      // GDIS
	Restricted   = "restricted"   // v3 Confidentiality R and V: its author says no more than that
)

var labels = []string{HIV, Addiction, Psychiatric, Venereal, Violence, Reproductive, Genetic, Restricted}

// Labels are the labels that there are, General first.
func Labels() []string { return append([]string{General}, labels...) }

// marked are the security labels of a resource, by system and code.
var marked = func() map[Coding]string {
	marked := map[Coding]string{}
	const acts, secrecy = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	for label, codes := range map[string]string{
		HIV: "HIV", Addiction: "SUD ETH ETHUD OPIOIDUD", Psychiatric: "PSY MH BH PSYTHPN", Venereal: "STD", Violence: "SDV DVD SAV", Reproductive: "SEX", Genetic: "GDIS",
	} {
		for code := range strings.FieldsSeq(codes) {
			marked[Coding{System: acts, Code: code}] = label
		}
	}
	marked[Coding{System: secrecy, Code: "R"}], marked[Coding{System: secrecy, Code: "V"}] = Restricted, Restricted
	return marked
}()

// diagnosed are ranges of three-character categories of ICD-10, both ends inside.
var diagnosed = []struct{ from, to, label string }{
	{"F10", "F19", Addiction}, {"F00", "F99", Psychiatric}, {"B20", "B24", HIV}, {"Z21", "Z21", HIV}, {"A50", "A64", Venereal},
	{"T74", "T74", Violence}, {"Y04", "Y07", Violence}, {"O04", "O04", Reproductive}, {"Z30", "Z30", Reproductive},
}

// icd10 are the systems by which ICD-10 and its national editions go.
var icd10 = []string{SystemICD10, "http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm", "urn:oid:2.16.840.1.113883.6.3", "urn:oid:2.16.840.1.113883.6.90"}

func labelOf(c Coding) string {
	if label, ok := marked[Coding{System: c.System, Code: strings.TrimSpace(c.Code)}]; ok {
		return label
	}
	code := strings.ToUpper(strings.TrimSpace(c.Code))
	if len(code) < 3 || !slices.Contains(icd10, c.System) {
		return ""
	}
	for _, d := range diagnosed {
		if d.from <= code[:3] && code[:3] <= d.to {
			return d.label
		}
	}
	return ""
}

// LabelOf gives the label of a fact: that of the security labels its author set (marks), of the diagnoses among its codes, or the one that
// it inherits from its visit (around); the gravest of them, else General. Who the patient is, is never labelled.
func LabelOf(fact Fact, marks []Coding, around ...string) string {
	if fact.Kind() == KindPatient {
		return General
	}
	found := slices.Clone(around)
	for _, mark := range marks {
		found = append(found, labelOf(mark))
	}
	codings(reflect.ValueOf(fact), func(c Coding) { found = append(found, labelOf(c)) })
	for _, label := range labels {
		if slices.Contains(found, label) {
			return label
		}
	}
	return General
}

// codings visits every code that a fact holds, wherever it stands: so no field is forgotten.
func codings(v reflect.Value, visit func(Coding)) {
	switch v.Kind() {
	case reflect.Struct:
		if c, ok := reflect.TypeAssert[Coding](v); ok {
			visit(c)
			return
		}
		for i := range v.NumField() {
			codings(v.Field(i), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			codings(v.Index(i), visit)
		}
	}
}

// VisitOf gives the visit to which a fact belongs, "" where it names none.
func VisitOf(fact Fact) RecordID {
	field := reflect.ValueOf(fact).FieldByName("Visit")
	if !field.IsValid() {
		return ""
	}
	id, _ := reflect.TypeAssert[RecordID](field)
	return id
}
