// Package identity names who makes a request, and the numbers by which the state, insurers and telephone companies know
// people and organisations.
//
// Each number is a type of its own that only its Parse function makes from text: a SNILS cannot end where a policy number
// belongs, and a number that was mistyped is refused where it is typed. The canonical form is what is stored, compared
// and hashed: digits only, e-mail in lower case. No fault here repeats the number it refuses: it would reach answers and logs.
package identity
