package trust

// What stands in an envelope, read without a signature, so that a fuzzer reaches it ten times as often.
var (
	ReadKeySet = readKeySet
	ReadStatus = readStatus
)
