// Package scanning turns an uploaded photo into verified documents.
//
// A picture goes in; for each code in it a finding comes out: what kind of code it is, whether it may be believed and
// why not, and, once its signature holds, the document itself. The picture is read in memory and forgotten: it is not
// stored, not logged, not passed on, and no address found in a code is ever opened.
package scanning
