package vault

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/adiantum"
)

// A file in which pages are damaged is read past SQLite, which gives up at the first of them: page by page, cell by cell, whatever tree it
// belonged to. See "B-tree Pages" and "The WAL File Format" in SQLite's description of its files.

// wreck is a damaged file, and its journal, decrypted.
type wreck struct {
	file, journal io.ReaderAt
	closers       []io.Closer
	size          int              // of a page
	pages         int              // in the file
	frames        map[uint32]int64 // where in the journal the newest committed content of a page lies
}

// cell is what one cell of a tree holds.
type cell struct {
	rowid  int64
	values []any // nil, int64, string, []byte; float64 is not used here
}

// openWreck opens the file for reading. sound says whether it looks like one that was encrypted under the key.
func openWreck(file string, key []byte) (w *wreck, sound bool, err error) {
	w = &wreck{frames: map[uint32]int64{}}
	var length int64
	if w.file, length, err = w.open(file, key); err != nil {
		return nil, false, err
	}
	best := -1
	for _, size := range []int{8192, 4096} { // those of old files are smaller
		n := &wreck{file: w.file, size: size, pages: int(length) / size}
		good := 0
		for number := range n.pages {
			if page, err := n.page(uint32(number + 1)); err == nil && (kindOf(page, number+1) != 0 || blank(page)) { // a count of pages
				good++
			}
		}
		if good*size > best {
			best, w.size, w.pages = good*size, size, n.pages
		}
	}
	if journal, length, err := w.open(file+"-wal", key); err == nil {
		w.replay(journal, length)
	}
	// Under another key the pages are noise, of which one in many looks like a page.
	return w, best*4 > w.pages*w.size || len(w.frames) > 0, nil
}

func (w *wreck) open(file string, key []byte) (io.ReaderAt, int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	w.closers = append(w.closers, f)
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	plain, _, err := adiantum.Wrap(flat{file: f}, nil).Open("", vfs.OPEN_MAIN_DB)
	if err != nil {
		return nil, 0, err
	}
	_, err = vfsutil.WrapPragma(plain, "hexkey", hex.EncodeToString(key))
	return plain, info.Size(), err
}

func (w *wreck) Close() (err error) {
	for _, c := range w.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// flat is a file system of one file that is only read.
type flat struct {
	vfs.VFS
	file *os.File
}

func (f flat) Open(string, vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return flatFile{file: f.file}, vfs.OPEN_MAIN_DB, nil
}

type flatFile struct {
	vfs.File
	file *os.File
}

func (f flatFile) ReadAt(p []byte, off int64) (int, error) { return f.file.ReadAt(p, off) }

// replay finds the frames of the journal that count: up to the last that ends a transaction, as long as salts and checksums hold.
func (w *wreck) replay(journal io.ReaderAt, length int64) {
	const header, frame = 32, 24
	head := make([]byte, header)
	if length < header || read(journal, head, 0) != nil {
		return
	}
	magic := binary.BigEndian.Uint32(head)
	if magic&^1 != 0x377f0682 {
		return
	}
	size := int64(binary.BigEndian.Uint32(head[8:]))
	var order binary.ByteOrder = binary.LittleEndian
	if magic&1 == 1 {
		order = binary.BigEndian
	}
	var sum [2]uint32
	sum = checksum(order, sum, head[:24])
	if size != 4096 && size != 8192 || sum[0] != binary.BigEndian.Uint32(head[24:]) || sum[1] != binary.BigEndian.Uint32(head[28:]) {
		return
	}
	pending := map[uint32]int64{}
	for at := int64(header); at+frame+size <= length; at += frame + size {
		f := make([]byte, frame+size)
		if read(journal, f, at) != nil || string(f[8:16]) != string(head[16:24]) {
			break
		}
		sum = checksum(order, checksum(order, sum, f[:8]), f[frame:])
		if sum[0] != binary.BigEndian.Uint32(f[16:]) || sum[1] != binary.BigEndian.Uint32(f[20:]) {
			break
		}
		pending[binary.BigEndian.Uint32(f)] = at + frame
		if count := binary.BigEndian.Uint32(f[4:]); count > 0 {
			for number, where := range pending {
				w.frames[number] = where
			}
			clear(pending)
			w.journal, w.size, w.pages = journal, int(size), int(count)
		}
	}
}

// checksum is that of the journal.
func checksum(order binary.ByteOrder, sum [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		sum[0] += order.Uint32(b) + sum[1]
		sum[1] += order.Uint32(b[4:]) + sum[0]
	}
	return sum
}

func read(from io.ReaderAt, p []byte, at int64) error {
	n, err := from.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	return errors.Join(err, io.ErrUnexpectedEOF)
}

// page gives a page as the last transaction left it. They are numbered from 1.
func (w *wreck) page(number uint32) ([]byte, error) {
	p := make([]byte, w.size)
	if at, ok := w.frames[number]; ok {
		return p, read(w.journal, p, at)
	}
	if number == 0 || int64(number) > int64(w.pages) {
		return nil, io.EOF
	}
	return p, read(w.file, p, int64(number-1)*int64(w.size))
}

// The kinds of pages of trees, by their first byte.
const (
	indexInner = 2
	tableInner = 5
	indexLeaf  = 10
	tableLeaf  = 13
)

// kindOf says of what kind a page is; 0 if it is none of a tree, or damaged.
func kindOf(page []byte, number int) byte {
	off := int64(number-1) * int64(len(page))
	if gapOf(page, off) == nil {
		return 0
	}
	return page[headOf(number)]
}

func headOf(number int) int {
	if number == 1 {
		return 100
	}
	return 0
}

func blank(page []byte) bool {
	for _, b := range page {
		if b != 0 {
			return false
		}
	}
	return true
}

// each gives all cells that can be read, with the kind of the page. Where a page's own list of its cells is damaged, they are looked for at
// every place of it: the finder has to hold each against what it should be. Such a page may
// also be the rest of a large row, with whatever somebody wrote into a file to look like a cell.
func (w *wreck) each(take func(kind byte, c cell), find func(c cell)) {
	for number := 1; number <= w.pages; number++ {
		page, err := w.page(uint32(number)) // a count of pages
		if err != nil || blank(page) {
			continue
		}
		kind := kindOf(page, number)
		if kind == 0 {
			for at := 0; find != nil && at < len(page); at++ {
				if c, ok := w.cell(page, at, tableLeaf); ok {
					find(c)
				}
			}
			continue
		}
		head := headOf(number)
		list := head + 8
		if kind == indexInner || kind == tableInner {
			list = head + 12
		}
		for i := range int(binary.BigEndian.Uint16(page[head+3:])) {
			if at := int(binary.BigEndian.Uint16(page[list+2*i:])); at >= list {
				if c, ok := w.cell(page, at, kind); ok {
					take(kind, c)
				}
			}
		}
	}
}

// cell reads the cell at a place of a page, with what of it lies on other pages.
func (w *wreck) cell(page []byte, at int, kind byte) (c cell, ok bool) {
	switch kind {
	case tableInner:
		return c, false // it holds no content
	case indexInner:
		at += 4 // the page below
	}
	length, at, ok := varint(page, at)
	const most = 64 << 20
	if !ok || length < 2 || length > most {
		return c, false
	}
	usable, total := w.size, int(length) // below most
	limit, least := usable-35, (usable-12)*32/255-23
	if kind == tableLeaf {
		var rowid uint64
		if rowid, at, ok = varint(page, at); !ok {
			return c, false
		}
		c.rowid = int64(rowid) // it is one, in two's complement
	} else {
		limit = (usable-12)*64/255 - 23
	}
	local := total
	if total > limit {
		if local = least + (total-least)%(usable-4); local > limit {
			local = least
		}
	}
	end := at + local
	if end > len(page) || local < total && end+4 > len(page) {
		return c, false
	}
	payload := page[at:end:end]
	if _, _, ok := columns(payload, total); !ok {
		return c, false
	}
	if local < total {
		if payload, ok = w.follow(payload, binary.BigEndian.Uint32(page[end:]), total); !ok {
			return c, false
		}
	}
	c.values, ok = record(payload)
	return c, ok
}

// follow reads the rest of a cell from the pages on which it goes on.
func (w *wreck) follow(start []byte, next uint32, total int) ([]byte, bool) {
	payload := slices.Clone(start)
	for steps := 0; len(payload) < total; steps++ {
		page, err := w.page(next)
		if next == 0 || err != nil || steps > w.pages {
			return nil, false
		}
		payload = append(payload, page[4:min(w.size, 4+total-len(payload))]...)
		next = binary.BigEndian.Uint32(page)
	}
	return payload, true
}

// columns reads the head of a row in SQLite's format: of what kinds its values are. ok is false unless the row is as long as they are together, so
// what is no row hardly ever passes.
func columns(payload []byte, total int) (kinds []uint64, body int, ok bool) {
	head, at, ok := varint(payload, 0)
	if !ok || head < 2 || head > uint64(len(payload)) {
		return nil, 0, false
	}
	body = int(head) // not longer than the payload
	length := body
	for at < body {
		kind, next, ok := varint(payload, at)
		// 7 is a fraction, which nothing here is, 10 and 11 are nothing.
		if !ok || next > body || len(kinds) == 32 || kind == 7 || kind == 10 || kind == 11 || kind > uint64(2*total+13) { // a length
			return nil, 0, false
		}
		at, kinds, length = next, append(kinds, kind), length+widthOf(kind)
	}
	return kinds, body, at == body && length == total
}

// widthOf is how many bytes a value of the kind takes.
func widthOf(kind uint64) int {
	if kind >= 12 {
		return int(kind-12) / 2 // not longer than the row
	}
	return []int{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[kind]
}

// record reads a row.
func record(payload []byte) (values []any, ok bool) {
	kinds, at, ok := columns(payload, len(payload))
	if !ok {
		return nil, false
	}
	for _, kind := range kinds {
		content := payload[at : at+widthOf(kind)]
		at += len(content)
		switch {
		case kind == 0:
			values = append(values, nil)
		case kind >= 12 && kind%2 == 0:
			values = append(values, content)
		case kind >= 12:
			values = append(values, string(content))
		case kind >= 8:
			values = append(values, int64(kind-8)) // 0 or 1
		default:
			n := int64(int8(content[0])) // it is signed
			for _, b := range content[1:] {
				n = n<<8 | int64(b)
			}
			values = append(values, n)
		}
	}
	return values, true
}

// varint reads a number of SQLite's own kind, and where it ends.
func varint(b []byte, at int) (n uint64, end int, ok bool) {
	for i := range 9 {
		if at+i >= len(b) {
			return 0, 0, false
		}
		c := b[at+i]
		if i == 8 {
			return n<<8 | uint64(c), at + 9, true
		}
		if n = n<<7 | uint64(c&0x7f); c < 0x80 {
			return n, at + i + 1, true
		}
	}
	return 0, 0, false
}
