package scan_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/qr/scan"
)

var (
	photosFlag = flag.Int("scan.photos", 2, "TestRates: photos of each class, and pictures of each black-box set")
	seedFlag   = flag.Uint64("scan.seed", 1, "TestRates: another number makes other photos")
	classFlag  = flag.String("scan.class", "", "TestRates: only classes whose name contains this")
	keepFlag   = flag.String("scan.keep", "", "TestRates: folder to keep the photos in, each with what it says and what the rivals read of it")
)

// readers of a row: ours first, then the rivals.
type score struct{ read, wrong int }

type row struct {
	class  string
	codes  int
	scores []score
	spent  []time.Duration // of ours, a picture
}

// picture is what every reader gets.
type picture struct {
	name string
	data []byte
	want []string
}

// TestRates is the table: each class of photo, each black-box set, read by ours, by zbar and by ZXing in one run. A read
// counts only with the exact text; any other text is a misread.
func TestRates(t *testing.T) {
	if testing.Short() {
		t.Skip("renders and reads photos for half a minute")
	}
	dir := *keepFlag
	if dir == "" {
		dir = t.TempDir()
	}
	var rows []*row
	for _, c := range classes {
		if strings.Contains(c.name, *classFlag) {
			rows = append(rows, measure(t, dir, c.name, *photosFlag, func(i int) picture { return photo(t, c, i) }))
		}
	}
	if *classFlag == "" {
		rows = append(rows, blackBoxes(t, dir)...)
	}
	printed, total := tabulate(rows)
	t.Log("\n" + printed)
	for _, r := range append(rows, total) {
		if r.scores[0].wrong > 0 {
			t.Errorf("%s: %d texts that are not there", r.class, r.scores[0].wrong)
		}
		for i, v := range rivals {
			if r.scores[1+i].read > r.scores[0].read {
				t.Errorf("%s: %d read, %s reads %d", r.class, r.scores[0].read, v.name, r.scores[1+i].read)
			}
		}
	}
}

// photo is number i of a class. How hard it is goes evenly from 0 to 1 in steps that any count of photos covers alike.
func photo(t testing.TB, c class, i int) picture {
	seed := *seedFlag<<20 + uint64(i)
	for _, letter := range c.name {
		seed = seed*31 + uint64(letter)
	}
	r := rand.New(rand.NewPCG(seed, 2026))
	const golden = 0.6180339887
	hard := float64(i) * golden
	hard -= float64(int(hard))
	s := c.take(t, r, hard)
	p := picture{name: fmt.Sprintf("%s-%03d.jpg", strings.NewReplacer(" ", "-", ",", "").Replace(c.name), i), data: s.take(t)}
	for _, sheet := range s.sheets {
		p.want = append(p.want, sheet.text)
	}
	return p
}

// measure lets every reader read n pictures, on as many processors as there are.
func measure(t *testing.T, dir, name string, n int, make func(int) picture) *row {
	t.Helper()
	r := &row{class: name, scores: newScores()}
	reader := patient()
	var lock sync.Mutex
	var workers sync.WaitGroup
	queue := toQueue(n)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range queue {
				p := make(i)
				scores := newScores()
				result, err := reader.Read(context.Background(), p.data)
				if err != nil {
					t.Errorf("%s: %v", p.name, err)
				}
				scores[0] = judge(p, textsOf(result))
				file := saved(t, dir, p.name, p.data)
				for j, v := range rivals {
					if v.there() {
						scores[1+j] = judge(p, v.texts(v.program, file))
					}
				}
				if *keepFlag == "" {
					_ = os.Remove(file)
				} else {
					saved(t, dir, p.name+".txt", []byte(strings.Join(p.want, "\x00")))
					saved(t, dir, p.name+".rivals", fmt.Append(nil, scores[1].read, scores[2].read))
				}
				lock.Lock()
				r.add(p, scores, result.Elapsed)
				lock.Unlock()
				if best := max(scores[1].read, scores[2].read); testing.Verbose() && (best > scores[0].read || scores[0].wrong > 0) {
					t.Logf("%s: ours %v, others %v, step %q", p.name, scores[0], scores[1:], result.Step)
				}
			}
		})
	}
	workers.Wait()
	return r
}

func toQueue(n int) <-chan int {
	queue := make(chan int, n)
	for i := range n {
		queue <- i
	}
	close(queue)
	return queue
}

func newScores() []score { return make([]score, 1+len(rivals)) }

func (r *row) add(p picture, scores []score, spent time.Duration) {
	r.codes += len(p.want)
	for i, s := range scores {
		r.scores[i].read += s.read
		r.scores[i].wrong += s.wrong
	}
	r.spent = append(r.spent, spent)
}

func textsOf(result scan.Result) (texts []string) {
	for _, code := range result.Codes {
		texts = append(texts, code.Text)
	}
	return texts
}

// judge counts each wanted text once, and everything that nobody wanted.
func judge(p picture, texts []string) (s score) {
	left := map[string]bool{}
	for _, want := range p.want {
		left[unifyLines(want)] = true
	}
	known := map[string]bool{}
	for _, text := range texts {
		text = unifyLines(text)
		if left[text] {
			s.read++
			delete(left, text)
			known[text] = true
		} else if !known[text] {
			s.wrong++
		}
	}
	return s
}

// blackBoxes are zxing's photographs in four rotations: all of them from a count of 100 on, otherwise a sample.
func blackBoxes(t *testing.T, dir string) (rows []*row) {
	t.Helper()
	folder, ok := sharedData(t, "qr")
	if !ok {
		t.Log(noBlackBox)
		return nil
	}
	for _, set := range []string{"qrcode-1", "qrcode-3", "qrcode-5"} {
		files, err := filepath.Glob(filepath.Join(folder, set, "*.png"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %d files", set, err, len(files))
		}
		n := 4 * len(files)
		stride := max(1, n/max(1, 4**photosFlag))
		if *photosFlag >= 100 {
			stride = 1
		}
		rows = append(rows, measure(t, dir, "zxing's "+set, n/stride, func(i int) picture {
			i *= stride
			file, quarters := files[i/4], (i+i/4)%4
			return picture{
				name: fmt.Sprintf("%s-%s-%d.png", set, strings.TrimSuffix(filepath.Base(file), ".png"), quarters*90),
				data: encodePNG(t, rotate(decodePNG(t, file), quarters)),
				want: []string{expectedText(t, file)},
			}
		}))
	}
	return rows
}

// tabulate prints the rows and their sum.
func tabulate(rows []*row) (string, *row) {
	total := &row{class: "total", scores: newScores()}
	head := fmt.Sprintf("%-18s %6s %12s", "class", "codes", "ours")
	for _, v := range rivals {
		if v.there() {
			head += fmt.Sprintf(" %12s", v.name)
		}
	}
	lines := []string{"read, and texts that are not there:", head + "    mean ms"}
	line := func(r *row) {
		l := fmt.Sprintf("%-18s %6d", r.class, r.codes)
		for i, s := range r.scores {
			if i == 0 || rivals[i-1].there() {
				l += fmt.Sprintf(" %7d %4s", s.read, wrong(s.wrong))
			}
		}
		var spent time.Duration
		for _, d := range r.spent {
			spent += d
		}
		lines = append(lines, l+fmt.Sprintf(" %10.0f", float64(spent.Milliseconds())/float64(max(1, len(r.spent)))))
	}
	for _, r := range rows {
		line(r)
		total.codes += r.codes
		for i, s := range r.scores {
			total.scores[i].read += s.read
			total.scores[i].wrong += s.wrong
		}
		total.spent = append(total.spent, r.spent...)
	}
	line(total)
	for _, v := range rivals {
		if !v.there() {
			lines = append(lines, fmt.Sprintf("%s is not compared: no %s here (Debian: %s)", v.name, v.program, v.pkg))
		}
	}
	return strings.Join(lines, "\n"), total
}

func wrong(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("!%d", n)
}
