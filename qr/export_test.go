package qr

// Base45 lets tests take texts apart and make ones that Seal would not.
var (
	EncodeBase45 = encodeBase45
	DecodeBase45 = decodeBase45
)
