package simnet

// Expected is what worlds must do and bring about often, by the names under which a Report counts it. What nobody counts any
// more is missed here.
var Expected = []string{
	// What people and fate do.
	"a phone asks", "an editor is opened", "an editor is saved", "a record is made", "a clinic publishes", "a clinic withdraws",
	"a phone goes offline, or comes back", "access changes", "a clock jumps", "time passes", "a phone is backed up",
	"a phone is restored", "a phone is cloned", "a phone is switched off", "a lease ends", "leases ended", "the server collects", "fate strikes the server", "an old request comes again",
	"a base is damaged", "a check goes on", "weeks pass", "weeks went by",
	"save", "command", "delete", "resolve", "outdated editor", "publish created", "publish changed", "withdraw", "another label",
	"a clinic writes where a person did", "granted", "revoked", "replaced by another grant", "taken altogether", "given again",
	"held", "confirmed", "revoked while held", "held until it ended", "forgotten", "claimed again", "an owner decides",
	"expired", "access changes between two pages", "several cards in one request", "push alone", "enrolled",

	// What goes wrong.
	"dropped", "doubled", "overtaken", "cut request", "cut answer", "cut between commit and reply", "late answer", "late replay",
	"gave up", "crash", "server down", "phone restored", "phone cloned", "server restored", "clock jump", "clock jump of days",
	"months pass", "damage: a flipped letter", "damage: a lost row", "damage: a stray row", "damage: another scope",

	// What comes of it.
	"page", "row", "del", "red", "purge", "resync", "nothing new", "no news", "backfill in parts", "gone", "gone told", "gone between two pages",
	"gone at enrolment", "held told", "held to the end", "forgotten told", "forked", "actor unknown", "fresh actor", "epoch or hole", "a commit out of sight", "an edit comes again",
	"result accepted", "result conflict sibling", "result conflict revived", "result conflict edited_since",
	"result refused read_only", "result refused unknown_kind", "result refused unknown_record", "result refused record_deleted",
	"result refused access_ended", "result refused invalid", "result refused wrong_operation",
	"retired", "emptied", "pruned", "an edit after a prune", "an edit of a stone",
	"check begun", "check answered", "check cut", "check behind", "check done",
	"vectors: equal", "vectors: before", "vectors: after", "vectors: concurrent",
}
