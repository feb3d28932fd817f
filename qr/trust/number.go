package trust

import "time"

// Numbers of status lists. A number says of which region and month its papers are, and which shard of them it is:
//
//	7 bits region (0 = none), 9 bits months since January 2020, 16 bits shard
//
// so that a reader holds the lists of its own region only.

const (
	regionShift = 25
	monthShift  = 16
	maxMonth    = 1<<9 - 1
	// MaxRegion is the highest code of a region.
	MaxRegion = 1<<7 - 1
)

// ListNumbers gives the first and the last number of the lists of a region for papers issued in the month of that time (UTC).
func ListNumbers(region uint8, at time.Time) (first, last uint32) {
	at = at.UTC()
	month := min(max((at.Year()-2020)*12+int(at.Month())-1, 0), maxMonth)
	first = uint32(region&MaxRegion)<<regionShift | uint32(month)<<monthShift
	return first, first | 1<<monthShift - 1
}

// RegionOf is the region of a list's papers.
func RegionOf(list uint32) uint8 { return uint8(list >> regionShift) }
