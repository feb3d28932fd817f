package story

import (
	"slices"
	"testing"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// A card that was claimed after the backup is nobody's on the restored server. Her phone alone knows what she wrote and the server had
// acknowledged: it keeps all of it, and once she has redeemed her code again the server has it too.
func TestACardClaimedAfterTheBackupIsKept(t *testing.T) {
	binary := build(t)
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		p := launch(t, binary, cfg.Postgres)
		save, restore := p.tools(t, cfg.Postgres)
		posted := got(p.clinic(t, "Clinic No. 1").Post(ctx, example.Bundle()))(t)
		id := posted.Card
		anna, first, err := p.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		defer first.Close()
		ok(t, save())

		got(first.Claim(ctx, posted.Claim))(t)
		got(first.Sync(ctx))(t)
		mine := first.Card(id)
		visit := got(mine.Visits(phone.Paging{}))(t).Entries[0].ID
		got(mine.Comment(visit, "Принести снимки"))(t)
		got(first.Sync(ctx))(t)
		counts := got(mine.Counts())(t)
		p.stop(t)
		ok(t, restore())
		p.start(t)

		ok(t, first.Enter(ctx))
		got(mine.Comment(visit, "Спросить про дозу"))(t)
		for range 2 {
			if report := got(first.Sync(ctx))(t); !slices.Equal(report.Forgotten, []card.ID{id}) || len(report.Gone) > 0 {
				t.Errorf("the server forgot whose card it is, and the sync says %+v", report)
			}
		}
		for kind, n := range got(mine.Counts())(t) {
			if n != counts[kind] {
				t.Errorf("of kind %s there are %d, not %d", kind, n, counts[kind])
			}
		}
		if comments := got(mine.Comments(visit))(t); len(comments) != 2 {
			t.Errorf("her comments: %+v", comments)
		}

		got(first.Claim(ctx, posted.Claim))(t)
		if report := got(first.Sync(ctx))(t); report.Sent != 2 || len(report.Forgotten) > 0 {
			t.Errorf("claimed again, and the sync says %+v", report)
		}
		second := got(anna.Handset("tablet"))(t)
		defer second.Close()
		ok(t, second.Enter(ctx))
		got(second.Sync(ctx))(t)
		for _, h := range []*Phone{first, second} {
			comments := got(h.Card(id).Comments(visit))(t)
			if len(comments) != 2 || slices.ContainsFunc(comments, func(e phone.Entry[card.Comment]) bool { return e.Pending || e.Conflicted() }) {
				t.Errorf("in the end her comments are %+v", comments)
			}
		}
	})
}
