// Package scan reads codes from photographs: bytes of a picture in, texts with their kind and corners out.
//
// It knows pictures and nothing of medicine: what a text means, and whether its signature holds, is decided by those
// who call it. It imports neither app nor domain.
//
// # How a picture is read
//
// The bytes are recognised by their first bytes, measured before they are unpacked, and turned into one plane of
// brightness. A row of steps (steps.go) then looks at that plane in different lights: smaller, sharper, as a negative,
// cut into tiles, split into black and white by a local or by a global threshold, or by each pixel's surroundings. In each
// light:
//
//	eyes.go      the square eyes in three corners of each QR code are searched
//	trio.go      every three that can belong together are listed, the most regular first
//	measure.go   the eyes tell the version, and how far from the camera each of them is
//	mesh.go      a net is laid over the code, from one alignment pattern to the next, so that bent paper does not matter
//	read.go      the modules are sampled, in black and white, then in grey
//	glasses.go   where that is not enough, what is known of every code (eyes, timing lines, patterns) teaches how lens and hand
//	             smeared this one, and the rest is seen through weights that undo it
//	faces.go     codewords are put together and corrected; those that were seen worst may be given up, which costs half as much
//	             redundancy as an error does (solomon.go)
//	segments.go  the data becomes text: all modes, all named encodings, parts of longer texts
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
// What is not sure is not read. A correction is believed when noise would be corrected so well less than once in 700,000 times
// (67 million where codewords were given up): the more was given up, the more of the rest has to fit. Each block of a code stands for
// itself: sound ones do not vouch for one that is not.
//
// # What it reads
//
//	go test -v -run TestRates ./qr/scan -scan.photos 20 -scan.seed 7   the table below, on photos that nobody has seen
//	go test -run - -bench Photo12MP ./qr/scan                          12 million pixels beside decoding the JPEG alone
//
// A picture of 12 million pixels took 0.54 s at the 95th percentile with a code in it and 0.55 s without, 2.2 and 3.3 times the JPEG alone,
// on one of two quiet cores.
//
// TestRates renders photos of 26 classes with a camera that blurs, shakes, bends, shades, glares and compresses
// (camera_test.go), each class from easy to hopeless, and reads them and zxing's photographs with this reader, with zbar 0.23
// and with ZXing-C++ 1.4 in the same run. It fails when a rival reads more in any class, or when we read a text that is not
// there. Seen in one run with 5 photos a class:
//
//	class               codes         ours         zbar    ZXing-C++
//	good                    5       5    -       5    -       5    -
//	any angle               5       5    -       5    -       5    -
//	perspective             5       5    -       1    -       4    -
//	out of focus            5       5    -       3    -       2    -
//	motion                  5       4    -       3    -       3    -
//	noise                   5       5    -       0    -       5    -
//	shade                   5       5    -       4    -       5    -
//	curl                    5       3    -       1    -       1    -
//	glare                   5       5    -       4    -       4    -
//	pale                    5       5    -       5    -       2    -
//	12 MP, small code       5       5    -       5    -       5    -
//	tiny                    5       5    -       4    -       5    -
//	inverted                5       4    -       0    -       0    -
//	mirrored                5       5    -       4    -       4    -
//	two codes              10      10    -       9    -       7    -
//	compressed              5       5    -       3    -       5    -
//	screen                  5       5    -       5    -       5    -
//	damaged                 5       4    -       3    -       3    -
//	other codes             5       5    -       3   !1       3    -
//	large versions          5       5    -       5    -       3    -
//	old phone               5       5    -       1    -       3    -
//	crowded                 5       5    -       5    -       5    -
//	ink                     5       5    -       5    -       4    -
//	designed                5       5    -       5    -       5    -
//	wide lens               5       5    -       3    -       2    -
//	all at once             5       5    -       1    -       3    -
//	zxing's qrcode-1       20      20    -      20    -      20    -
//	zxing's qrcode-3       21      21    -      21    -      19    -
//	zxing's qrcode-5       25      25    -      20    -      25    -
//	total                 201     196    -     153   !1     162    -
//
// The number behind a count, where there is one, is of texts that are not there. On a busy machine with two processors a photo of
// 12 million pixels took 1.9 times what unpacking its JPEG takes (half of the photos, and 95 of 100), and one in which there is
// nothing to find 4 to 6 times.
package scan
