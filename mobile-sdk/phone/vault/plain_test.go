package vault_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/adiantum"
)

// plaintext reads a file through the encryption, block by block, past SQLite, which would not show free pages.
func plaintext(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	must(t, err)
	copied := filepath.Join(t.TempDir(), "copy.db")
	must(t, os.WriteFile(copied, content, 0o600))
	var plain []byte
	spy := spying{VFS: adiantum.Wrap(vfs.Find(""), nil), seen: func(f vfs.File) {
		size, err := f.Size()
		must(t, err)
		plain = make([]byte, size)
		_, err = f.ReadAt(plain, 0)
		must(t, err)
	}}
	name := "spy-" + filepath.Base(t.TempDir()) + hex.EncodeToString([]byte(t.Name()))
	vfs.Register(name, spy)
	defer vfs.Unregister(name)
	conn, err := sqlite3.Open("file:" + copied + "?vfs=" + name + "&mode=ro&hexkey=" + hex.EncodeToString(key))
	if err == nil {
		conn.Close()
	}
	if plain == nil {
		t.Fatalf("the file was not opened: %v", err)
	}
	return plain
}

type spying struct {
	vfs.VFS
	seen func(vfs.File)
}

func (s spying) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := s.VFS.(vfs.VFSFilename).OpenFilename(name, flags)
	if err == nil && flags&vfs.OPEN_MAIN_DB != 0 {
		s.seen(f)
	}
	return f, flags, err
}
