package counter_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/qr/foreign"
	"github.com/medcard/medcard/qr/trust"
)

// states is what a counter says of its parts.
func states(c *counter.Counter, at time.Time) map[string]counter.Freshness {
	all := map[string]counter.Freshness{}
	for _, p := range c.Parts(at) {
		all[p.Name] = p.State
	}
	return all
}

func TestHowStaleEachPartIs(t *testing.T) {
	s := newServer(t)
	c := open(t, s.config(t.TempDir()))
	if got := states(c, now); got["keys"] != counter.Missing || len(got) != 1 {
		t.Errorf("%v", got)
	}
	s.failStatus = true
	if err := c.Refresh(t.Context()); err == nil {
		t.Error("a list that failed passes in silence")
	}
	if got := states(c, now); got["keys"] != counter.Fresh || got["status 7"] != counter.Missing {
		t.Errorf("%v", got)
	}
	s.failStatus = false
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.served != 2 || s.unchanged != 1 {
		t.Errorf("%d served, %d unchanged: what arrived came again", s.served, s.unchanged)
	}
	for age, want := range map[time.Duration][2]counter.Freshness{
		10 * time.Minute: {counter.Fresh, counter.Fresh}, 20 * time.Minute: {counter.Fresh, counter.Usable},
		47 * time.Hour: {counter.Usable, counter.Usable}, 49 * time.Hour: {counter.Usable, counter.Stale}, 8 * day: {counter.Stale, counter.Stale},
	} {
		if got := states(c, now.Add(age)); got["keys"] != want[0] || got["status 7"] != want[1] {
			t.Errorf("after %v: %v", age, got)
		}
	}
}

// covid is a COVID certificate of the EU's form, made up and signed by nobody who is known.
const covid = "HC1:6BF%RN%TSMAHN-H UOMB4JNMT-M-2E3+OLV4RIAMTR1C3 YKTQGIG6PF6R:5SVBWVBDKBYLDZ4D74D$ZJ*DJWP42W5X2S%IU.ZJT*QI%K/YNCBP*%N3-SY$N*YE27A2.3UBRM.SY$NGP2 :77CPP$I/XK$M8-L96YB8L44N4:%OD3P5B9-NT0 2$$0X4PCY0+-CS-O:S9395*CBVZ01/GLX4Z 20OPKD9G94ZJJY 84IJZJJ1W4*$I*NVPC1LJL4A7%83*LP1W0QC8$.AIGCY0K5$0I.AT94./GVYCDEBD0HX2JN*4CY035TPHN6D7LLK*2HG%89UV-0LZ 2MKN4NN3F85QNCY0O%0VZ001H9B9LGF3XHP/H172E+4AMAWBN.WC+2ABAE0BMG%KPR5T714SDX06 0M8S6+%KLI1 FTG2II$QOYAX:A-LF.YOY3H3.5LZHV$5Q-8Z4OI3ENT5AL3EWUZEF000U50HDWZYUG3"

func TestSomebodyElsesCertificateAtTheCounter(t *testing.T) {
	s := newServer(t)
	v := says(t, open(t, s.config(t.TempDir())), covid, now, "NO not_ours")
	if v.Foreign == nil || v.Foreign.Answer != foreign.NotChecked || v.Foreign.Holder != "Anna Müller" || v.Paper != nil || v.Document != nil {
		t.Errorf("%+v", v.Foreign)
	}
}

func TestACounterHoldsItsRegion(t *testing.T) {
	s := newServer(t) // whose list 7 is of no region
	config := s.config(t.TempDir())
	config.Regions = []uint8{77}
	c := open(t, config)
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := states(c, now); len(got) != 1 {
		t.Errorf("%v", got)
	}
	says(t, c, s.code(), now, "CANT_TELL_OFFLINE stale_status")
	config.Regions = []uint8{77, 0}
	c = open(t, config)
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	says(t, c, s.code(), now, "OK")
	if got := states(c, now); got["status 7"] != counter.Fresh {
		t.Errorf("%v", got)
	}
	config.Regions = []uint8{78} // it moved
	c = open(t, config)
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(config.Dir, "status-7.cose")); !os.IsNotExist(err) {
		t.Error("another region's list is kept for ever")
	}
}

// An older key set or list is refused also after a restart, and also when what was held is lost.
func TestNothingOlderAfterARestart(t *testing.T) {
	for _, lost := range []string{"nothing", "keys.cose", "status-7.cose"} {
		s := newServer(t)
		s.etags = false
		config := s.config(t.TempDir())
		s.publish(5, now)
		if err := open(t, config).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(config.Dir, lost)); lost != "nothing" && err != nil {
			t.Fatal(err)
		}
		c := open(t, config)
		s.publish(4, now.Add(time.Minute))
		if err := c.Refresh(t.Context()); !errors.Is(err, trust.ErrRollback) {
			t.Errorf("%s is lost: an older key set: %v", lost, err)
		}
		s.publish(6, now.Add(-time.Hour)) // a newer set, an older list
		if err := c.Refresh(t.Context()); !errors.Is(err, trust.ErrRollback) {
			t.Errorf("%s is lost: an older list: %v", lost, err)
		}
		s.publish(7, now)
		if err := c.Refresh(t.Context()); err != nil {
			t.Errorf("%s is lost: %v", lost, err)
		}
		says(t, c, s.code(), now, "OK")
	}
}
