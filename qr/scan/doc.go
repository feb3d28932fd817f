// Package scan reads codes from photographs: bytes of a picture in, texts with their kind and corners out.
//
// It knows pictures and nothing of medicine: what a text means, and whether its signature holds, is decided by those
// who call it. It imports neither app nor domain.
//
// # How a picture is read
//
// The bytes are recognised by their first bytes, measured before they are unpacked, and turned into one plane of
// brightness. A row of steps (steps.go) then looks at that plane in different lights: smaller, sharper, as a negative,
// cut into tiles, split into black and white by a local or by a global threshold. In each light the square eyes of QR
// codes are searched (eyes.go), every three that can belong together are tried (trio.go), the modules between them are
// sampled (mesh.go), and gozxing decodes what was sampled. The cheap steps that read most pictures come first;
// reading ends when codes were read and no eyes are left over, or when the time is up.
//
// # What it promises
//
// A hostile picture costs no more than Options allow: size in bytes, size in pixels, time, and the number of pictures
// in work at once. A panic in a decoder is an unread picture, never a crash. Nothing is written anywhere, metadata of
// the picture is never looked at, and an address found in a code is text: it is never followed.
package scan
