package scan_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// rival is another reader, run as its users run it.
type rival struct {
	name, program, pkg string
	texts              func(program, file string) []string
}

var rivals = []rival{
	{"zbar", "zbarimg", "zbar-tools", zbarTexts},
	{"ZXing-C++", "ZXingReader", "zxing-cpp-tools", zxingTexts},
}

func (v rival) there() bool {
	_, err := exec.LookPath(v.program)
	return err == nil
}

var zbarText = regexp.MustCompile(`(?s)<data><!\[CDATA\[(.*?)\]\]></data>`)

// zbarTexts asks for XML: a text may hold line ends, and a picture several texts. An exit code other than 0 says that nothing
// was found.
func zbarTexts(program, file string) []string {
	out, _ := exec.Command(program, "--quiet", "--xml", "-Sdisable", "-Sqrcode.enable", file).Output()
	return allOf(zbarText, out)
}

var zxingText = regexp.MustCompile(`(?s)Text:\s+"(.*?)"\nBytes:`)

func zxingTexts(program, file string) []string {
	out, _ := exec.Command(program, "-format", "QRCode", file).Output()
	return allOf(zxingText, out)
}

func allOf(pattern *regexp.Regexp, out []byte) (texts []string) {
	for _, match := range pattern.FindAllSubmatch(out, -1) {
		texts = append(texts, string(match[1]))
	}
	return texts
}

// saved writes a picture where other programs can open it.
func saved(t testing.TB, dir, name string, picture []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
