package vault_test

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/ncruces/go-sqlite3/vfs/adiantum"
)

// plaintext reads a file and its journal through the encryption, block by block, past SQLite, which would not show free pages.
func plaintext(t *testing.T, file string) (plain []byte) {
	t.Helper()
	dir := file + "-plain" // where the file is: that may be no disk
	must(t, os.Mkdir(dir, 0o700))
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "copy.db")
	must(t, lay(copied, lift(t, file)))
	spy := spying{VFS: adiantum.Wrap(vfs.Find(""), nil), seen: func(f vfs.File) {
		size, err := f.Size()
		must(t, err)
		if size == 0 {
			return
		}
		content := make([]byte, size)
		_, err = f.ReadAt(content, 0)
		must(t, err)
		plain = append(plain, content...)
	}}
	name := "spy-" + hex.EncodeToString([]byte(file)) + hex.EncodeToString([]byte(t.Name()))
	vfs.Register(name, spy)
	defer vfs.Unregister(name)
	conn, err := sqlite3.Open("file:" + copied + "?vfs=" + name + "&hexkey=" + hex.EncodeToString(key))
	if err == nil {
		err = errors.Join(conn.Exec("SELECT count(*) FROM sqlite_schema"), conn.Close()) // looks into the journal, too
	}
	if plain == nil || err != nil {
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
	if err == nil && flags&(vfs.OPEN_MAIN_DB|vfs.OPEN_WAL) != 0 {
		s.seen(f)
	}
	return f, flags, err
}

// files are those of a vault, by what stands behind the name of the first.
type files map[string][]byte

// lift copies a vault's files as they lie there, whatever is under way.
func lift(t *testing.T, file string) files {
	t.Helper()
	all := files{}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(file + suffix)
		if !errors.Is(err, os.ErrNotExist) {
			must(t, err)
			all[suffix] = content
		}
	}
	return all
}

// lay puts them somewhere else.
func lay(file string, all files) error {
	for suffix, content := range all {
		if err := os.WriteFile(file+suffix, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
