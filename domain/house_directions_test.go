package domain_test

import (
	"go/ast"
	"slices"
	"strings"
)

// Which way imports go. A room is a folder or a kind of folders; doors names the rooms that it may import besides itself.

type room struct {
	name  string
	is    func(dir string) bool
	doors []string
	why   string
}

// rooms is read from the top, the first that fits a folder is its room.
var rooms = []room{
	{"main", at("app"), []string{"everything"},
		"the way in may start whatever the command names; being main, nothing can import it"},
	{"server", below("app/server"), []string{"config", "door", "act", "pure", "cellar", "store", "migrations", "cardsync", "document", "sync", "qr", "push", "domain"},
		"the composition root is the only place that sees everybody, so that nobody else has to"},
	{"example", below("app/fhir/example"), nil,
		"a bundle that we wrote, for whoever stands outside and has to post one: it is data"},
	{"story", below("app/story"), []string{"example", "server", "config", "door", "sync", "qr", "push", "domain", "phone"},
		"the demo and the black-box tests stand outside, where clinics, phones and pharmacies stand: no act and no store can help them"},
	{"config", below("app/config"), []string{"domain"},
		"settings are read by all and therefore know nobody"},
	{"door", below("app/httpapi", "app/web", "app/oauth"), []string{"config", "door", "act", "pure", "cardsync", "document", "sync", "qr", "push", "domain"},
		"a door binds, calls one act and replies; one that reached the store would go round the permit and the audit"},
	{"pure", below("app/fhir", "app/papers", "app/cms", "app/wording"), []string{"cardsync", "document", "sync", "qr", "domain"},
		"pure mapping from value to value is tested without anything running"},
	{"cellar", below("app/keys", "app/blobs", "app/jobs", "app/openid"), []string{"push", "qr", "domain"},
		"custody, attachments, queues and the provider who vouches for people serve every act and so may depend on none"},
	{"store", below("app/store"), []string{"migrations", "cellar", "cardsync", "sync", "qr", "domain"},
		"the store stands beside the acts: it satisfies their interfaces without importing them"},
	{"act", func(dir string) bool { return within(dir, "app") && strings.HasSuffix(actOf(dir), "ing") }, []string{"pure", "keys", "cardsync", "document", "sync", "qr", "push", "domain"},
		"an act that imports another act or the store can neither be read nor tested alone"},
	{"cardsync", below("sync/cardsync"), []string{"sync", "domain"},
		"one of the two bridges from a craft to the domain: fact <-> record"},
	{"document", below("qr/document"), []string{"qr", "domain"},
		"one of the two bridges from a craft to the domain: prescription, referral <-> body"},
	{"vclock", below("sync/vclock"), nil,
		"the bottom of sync: everything there stands on it"},
	{"wire", below("sync/wire"), []string{"vclock"},
		"what travels knows the clocks and not the engine that uses it"},
	{"sync", below("sync"), []string{"vclock", "wire"},
		"a craft knows nothing of medicine: it can be proven, and used elsewhere, alone"},
	{"qr", below("qr"), nil,
		"a craft knows nothing of medicine: the pharmacist's phone carries it without the server"},
	{"push", below("push"), nil,
		"a message that cannot name a domain type cannot carry a medical word"},
	{"domain", below("domain"), nil,
		"everybody speaks the domain's words, so the domain depends on nobody"},
	{"migrations", below("migrations"), nil,
		"plain SQL, embedded"},
	{"phone", below("mobile-sdk"), []string{"cardsync", "document", "sync", "qr", "domain"},
		"the phone build links no server package: size, licence and secrets"},
}

func at(dir string) func(string) bool { return func(d string) bool { return d == dir } }

func below(dirs ...string) func(string) bool {
	return func(d string) bool {
		return slices.ContainsFunc(dirs, func(dir string) bool { return within(d, dir) })
	}
}

// actOf is the second element: the act to which a folder below app belongs.
func actOf(dir string) string {
	parts := strings.Split(dir, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

func roomOf(dir string) *room {
	for i := range rooms {
		if rooms[i].is(dir) {
			return &rooms[i]
		}
	}
	return nil
}

// mayEnter answers whether code in one folder may import another folder of the house.
func mayEnter(from, to string) (bool, string) {
	r, target := roomOf(from), roomOf(to)
	switch {
	case r == nil:
		return false, "the folder is no room of the house: add it to the table, with its reason"
	case target == nil:
		return false, "what it imports is no room of the house: add it to the table, with its reason"
	case r.name == "main":
		return true, ""
	case r.name == "act" && target.name == "act":
		return actOf(from) == actOf(to), r.why
	case r.name == target.name:
		return true, ""
	}
	ok := slices.ContainsFunc(r.doors, func(door string) bool {
		switch door {
		case target.name:
			return true
		case "keys": // of the cellar's rooms, the one that an act may hold
			return within(to, "app/keys")
		case "sync": // the craft as a whole
			return target.name == "vclock" || target.name == "wire"
		}
		return false
	})
	return ok, r.why
}

// keepers names the libraries that only some folders may touch.
var keepers = []struct {
	library string
	folders []string
	why     string
}{
	{"gorm.io", []string{"app/store"}, "only the store knows the mapper: no *gorm.DB, no struct condition, no hook elsewhere"},
	{"github.com/ncruces/go-sqlite3/gormlite", []string{"app/store"}, "only the store knows the mapper"},
	{"github.com/ncruces/go-sqlite3", []string{"app/store", "mobile-sdk/phone"}, "pragmas and locks of SQLite are set right in one place on each side"},
	{"github.com/jackc", []string{"app/store", "app/jobs"}, "an answer of PostgreSQL becomes a fault before it leaves the store"},
	{"github.com/pressly/goose", []string{"app/store", "migrations"}, "the schema has one owner"},
	{"github.com/riverqueue/river", []string{"app/jobs", "app/store"}, "a job is enqueued in the transaction of its cause, or not at all"},
	{"firebase.google.com/go", []string{"push/fcm"}, "205 modules stay behind one door"},
	{"google.golang.org/api", []string{"push/fcm"}, "205 modules stay behind one door"},
	{"github.com/gofiber/fiber", []string{"app/httpapi", "app/web", "app/oauth", "app/server"}, "acts know no HTTP"},
	{"github.com/danielgtaylor/huma", []string{"app/httpapi"}, "acts know no HTTP; the API is described where it is served"},
	{"github.com/skip2/go-qrcode", []string{"qr/picture"}, "one maker of pictures"},
	{"github.com/makiuchi-d/gozxing", []string{"qr/scan"}, "one reader of pictures"},
	{"github.com/veraison/go-cose", []string{"qr"}, "what is signed and what is checked is decided in the envelope, nowhere else"},
	{"github.com/zitadel/oidc", []string{"app/openid"}, "who an external provider vouches for is found out in one place"},
	{"github.com/go-webauthn", []string{"app/enrolling"}, "what an authenticator signed is judged by the act that lets people in"},
	{"github.com/smallstep/pkcs7", []string{"app/cms/cmstest"}, "it signs for tests; what counts as signed is decided in app/cms, which knows GOST too"},
	{"github.com/urfave/cli", []string{"app"}, "flags belong to main"},
	{"github.com/caarlos0/env", []string{"app/config"}, "the environment is read once"},
}

// heavy may not be reached from the phone, through whatever package of ours.
var heavy = []string{"gorm.io", "github.com/gofiber", "github.com/danielgtaylor", "github.com/jackc", "github.com/riverqueue",
	"firebase.google.com", "google.golang.org", "github.com/prometheus", "github.com/pressly", "github.com/urfave",
	"github.com/zitadel", "github.com/go-webauthn"}

var directionRules = []rule{
	{
		name: "imports go one way",
		why:  "main -> server -> doors -> acts -> pure rooms, crafts, domain; see each room's own reason",
		check: func(h house) (found []string) {
			for _, f := range h.code() {
				f.imports(func(spec *ast.ImportSpec, _, inside string) {
					if inside == "" {
						return
					}
					if ok, why := mayEnter(f.dir, inside); !ok {
						found = append(found, f.at(spec)+": "+f.dir+" imports "+inside+": "+why)
					}
				})
			}
			return found
		},
		breach: map[string]string{"app/issuing/issue.go": `package issuing; import _ "` + module + `/app/dispensing"`},
	},
	{
		name: "every folder is a room",
		why:  "a reader learns the house from the folder names plus one page; a folder that the page does not know has no place yet",
		check: func(h house) (found []string) {
			for _, f := range h {
				if roomOf(f.dir) == nil {
					found = append(found, f.name+": no room")
				}
			}
			return found
		},
		breach: map[string]string{"app/stuff/stuff.go": `package stuff`},
	},
	{
		name: "crafts and domain are tested without the server",
		why:  "a test of sync, qr, push or domain that needs app tests app, and stands there",
		check: func(h house) (found []string) {
			for _, f := range h.under("sync", "qr", "push", "domain") {
				f.imports(func(spec *ast.ImportSpec, _, inside string) {
					if within(inside, "app") || within(inside, "mobile-sdk") {
						found = append(found, f.at(spec)+": imports "+inside)
					}
				})
			}
			return found
		},
		breach: map[string]string{"qr/envelope/seal_test.go": `package envelope; import _ "` + module + `/app/store"`},
	},
	{
		name: "libraries have keepers",
		why:  "a library that one folder hides can be replaced, and its traps are known in one place",
		check: func(h house) (found []string) {
			for _, f := range h.code() {
				f.imports(func(spec *ast.ImportSpec, what, _ string) {
					for _, k := range keepers {
						if !within(what, k.library) {
							continue
						}
						if !below(k.folders...)(f.dir) {
							found = append(found, f.at(spec)+": "+what+" belongs to "+strings.Join(k.folders, ", ")+": "+k.why)
						}
						return // the first, most special line decides
					}
				})
			}
			return found
		},
		breach: map[string]string{"app/issuing/issue.go": `package issuing; import _ "gorm.io/gorm"`},
	},
	{
		name: "domain imports a part of the standard library",
		why:  "nouns have no tags, clock, context or I/O; that keeps them equal on server, phone and in every test",
		check: func(h house) (found []string) {
			banned := []string{"context", "crypto/rand", "database", "encoding/json", "encoding/xml", "expvar", "io/fs", "io/ioutil", "log", "math/rand", "net", "os", "plugin", "syscall", "unsafe"}
			for _, f := range h.code().under("domain") {
				f.imports(func(spec *ast.ImportSpec, what, inside string) {
					outside := strings.Contains(strings.SplitN(what, "/", 2)[0], ".")
					allowed := what == "net/url" || what == "net/mail" // parsers, no network
					if inside == "" && (outside || below(banned...)(what)) && !allowed {
						found = append(found, f.at(spec)+": imports "+what)
					}
				})
			}
			return found
		},
		breach: map[string]string{"domain/card/visit.go": `package card; import _ "log/slog"`},
	},
	{
		name: "the phone reaches no server library",
		why:  "8 MB on a patient's phone instead of 36; looked up through every package of ours that it links",
		check: func(h house) (found []string) {
			seen := map[string]bool{}
			var visit func(dir, trail string)
			visit = func(dir, trail string) {
				if seen[dir] {
					return
				}
				seen[dir] = true
				for _, f := range h.code() {
					if f.dir != dir {
						continue
					}
					f.imports(func(_ *ast.ImportSpec, what, inside string) {
						if below(heavy...)(what) {
							found = append(found, trail+" -> "+what)
						}
						if inside != "" {
							visit(inside, trail+" -> "+inside)
						}
					})
				}
			}
			for _, f := range h.code().under("mobile-sdk") {
				visit(f.dir, f.dir)
			}
			return found
		},
		breach: map[string]string{
			"mobile-sdk/phone/phone.go": `package phone; import _ "` + module + `/sync/replica"`,
			"sync/replica/engine.go":    `package replica; import _ "gorm.io/gorm"`,
		},
	},
}
