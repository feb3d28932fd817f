package vault

import (
	"encoding/binary"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // the encryption
)

// secure_delete overwrites what is deleted where it stands. But SQLite moves rows, from page to page as a tree grows or shrinks, and what it
// leaves in the old place is neither overwritten then nor found later. So pages are scrubbed on their way into the file: between the
// list of a page's cells and the first cell nothing is meant to stand, and there the left behind lie.

// fileSystem is the encryption with the scrubbing before it, by the name that connections ask for.
const fileSystem = "medcard-vault"

func init() {
	vfs.Register(fileSystem, scrubbing{vfs.Find("adiantum")})
}

type scrubbing struct{ vfs.VFS }

func (s scrubbing) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, opened, err := vfsutil.WrapOpenFilename(s.VFS, name, flags)
	if err == nil && flags&vfs.OPEN_MAIN_DB != 0 {
		f = &scrubbed{File: f}
	}
	return f, opened, err
}

// scrubbed is the main file. The journal is not scrubbed, its pages carry checksums; it is emptied.
type scrubbed struct {
	vfs.File
	page []byte
}

// WriteAt scrubs a copy: p is SQLite's.
func (s *scrubbed) WriteAt(p []byte, off int64) (int, error) {
	if gap := gapOf(p, off); gap != nil {
		s.page = append(s.page[:0], p...)
		clear(s.page[gap[0]:gap[1]])
		p = s.page
	}
	return s.File.WriteAt(p, off)
}

// gapOf finds the free room of a page of a tree; nil if it is none. Other pages begin with the number of a page, the first byte
// of which is 0 in all files below 128 GB. See "B-tree Pages" in SQLite's description of the file format.
func gapOf(page []byte, off int64) []int {
	const minimum = 512
	header := 0
	if off == 0 {
		header = 100 // of the file
	}
	if len(page) < minimum || len(page)&(len(page)-1) != 0 || off%int64(len(page)) != 0 {
		return nil
	}
	list := header
	switch page[header] {
	case 2, 5: // inner
		list += 12
	case 10, 13: // leaf
		list += 8
	default:
		return nil
	}
	end := list + 2*int(binary.BigEndian.Uint16(page[header+3:]))
	first := int(binary.BigEndian.Uint16(page[header+5:]))
	if end > first || first > len(page) { // not what it looks like
		return nil
	}
	return []int{end, first}
}

// What SQLite asks of a main file beyond the interface.

func (s *scrubbed) Unwrap() vfs.File { return s.File }

func (s *scrubbed) Pragma(name, value string) (string, error) {
	return vfsutil.WrapPragma(s.File, name, value)
}

func (s *scrubbed) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(s.File) }

func (s *scrubbed) BusyHandler(handler func() bool) { vfsutil.WrapBusyHandler(s.File, handler) }

func (s *scrubbed) LockState() vfs.LockLevel { return vfsutil.WrapLockState(s.File) }

func (s *scrubbed) HasMoved() (bool, error) { return vfsutil.WrapHasMoved(s.File) }

func (s *scrubbed) SizeHint(size int64) error { return vfsutil.WrapSizeHint(s.File, size) }
