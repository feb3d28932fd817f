// Package scan reads codes from photographs: bytes of a picture in, texts with their kind and corners out.
//
// It knows pictures and nothing of medicine: what a text means, and whether its signature holds, is decided by those
// who call it. It imports neither app nor domain.
//
// # How a picture is read
//
// The bytes are recognised by their first bytes, measured before they are unpacked, and turned into one plane of
// brightness. A row of steps (steps.go) then looks at that plane in different lights: smaller, sharper, as a negative,
// cut into tiles, split into black and white by a local or by a global threshold. In each light:
//
//	eyes.go     the square eyes in three corners of each QR code are searched
//	trio.go     every three that can belong together are listed, the most regular first
//	measure.go  the eyes tell the version, and how far from the camera each of them is
//	mesh.go     a net is laid over the code, from one alignment pattern to the next, so that bent paper does not matter
//	read.go     the modules are sampled, in black and white, then in grey; gozxing decodes them
//
// The cheap steps that read most pictures come first. Reading ends when codes were read and no eyes are left over that
// surely are one more code, or when the time is up. Where no QR code shows, marks of medicine packs are looked
// for (pack.go): they are told apart, so that a pharmacist who photographs the wrong thing hears what it was.
//
// # What it promises
//
// A hostile picture costs no more than Options allow: size in bytes, size in pixels, time, and the number of pictures
// in work at once. A panic in a decoder is an unread picture, never a crash. Nothing is written anywhere, metadata of
// the picture is never looked at, and an address found in a code is text: it is never followed.
//
// # What it reads
//
// TestBlackBox and TestPhotos print rates and keep them from getting worse. When this was written, of zxing's
// photographs in four rotations all 324 were read (gozxing alone: 300), and of photos rendered with blur, noise,
// shadow, tilt and bend that nobody had tuned on 157 of 160. A photo of 12 million pixels takes about twice as long as
// unpacking its JPEG.
package scan
