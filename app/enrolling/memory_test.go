package enrolling

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
)

// memory is a Store in maps. It runs every closure of Update twice, taking the first run back, because a database may do so:
// a service that keeps something from a run that did not count fails all its tests.
type memory struct {
	sync.Mutex
	state
	calls []string // names of the Tx methods of the last transactions, for the tests of equal work
}

type state struct {
	allowances    map[string]time.Time
	accounts      map[identity.AccountID]account.Account
	registrations map[account.ChallengeID]account.Registration
	signIns       map[account.ChallengeID]account.SignIn
	codes         map[string]account.Code
	devices       map[string]account.Device
	sessions      map[identity.SessionID]account.Session
	refreshes     map[string]account.Refresh
	claims        map[identity.ClaimCode]account.Claim
	owners        map[card.ID]identity.AccountID
	lost          map[account.ChallengeID]account.PasswordRecovery
	changes       map[account.ChallengeID]account.ContactChange
	pushes        map[string]bool               // account and device that are reached
	links         map[string]identity.AccountID // by provider and subject
	numbers       map[identity.SNILS]identity.AccountID
	passkeys      map[string]account.Passkey
	ceremonies    map[account.ChallengeID]account.Ceremony
	apps          map[identity.AccountID]account.Authenticator
	recovery      map[string]time.Time
	locks         map[identity.AccountID]account.Lock
	waiting       map[card.ID]identity.AccountID
	policies      map[identity.AccountID]evidence.Link
	entries       []audit.Entry
	rung          []string // whose phones rang, and which of them did not
	forgotten     time.Time
	unused        time.Time // from when on devices are kept
}

func (s state) clone() state {
	return state{maps.Clone(s.allowances), maps.Clone(s.accounts), maps.Clone(s.registrations), maps.Clone(s.signIns), maps.Clone(s.codes),
		maps.Clone(s.devices), maps.Clone(s.sessions), maps.Clone(s.refreshes), maps.Clone(s.claims), maps.Clone(s.owners), maps.Clone(s.lost), maps.Clone(s.changes), maps.Clone(s.pushes),
		maps.Clone(s.links), maps.Clone(s.numbers), maps.Clone(s.passkeys), maps.Clone(s.ceremonies), maps.Clone(s.apps), maps.Clone(s.recovery), maps.Clone(s.locks), maps.Clone(s.waiting), maps.Clone(s.policies), slices.Clone(s.entries), slices.Clone(s.rung), s.forgotten, s.unused}
}

func newMemory() *memory {
	return &memory{state: state{
		allowances: map[string]time.Time{}, accounts: map[identity.AccountID]account.Account{}, registrations: map[account.ChallengeID]account.Registration{},
		signIns: map[account.ChallengeID]account.SignIn{}, codes: map[string]account.Code{}, devices: map[string]account.Device{},
		sessions: map[identity.SessionID]account.Session{}, refreshes: map[string]account.Refresh{}, claims: map[identity.ClaimCode]account.Claim{},
		owners: map[card.ID]identity.AccountID{}, lost: map[account.ChallengeID]account.PasswordRecovery{}, changes: map[account.ChallengeID]account.ContactChange{}, pushes: map[string]bool{},
		links: map[string]identity.AccountID{}, numbers: map[identity.SNILS]identity.AccountID{},
		passkeys: map[string]account.Passkey{}, ceremonies: map[account.ChallengeID]account.Ceremony{},
		apps: map[identity.AccountID]account.Authenticator{}, recovery: map[string]time.Time{},
		locks:   map[identity.AccountID]account.Lock{},
		waiting: map[card.ID]identity.AccountID{}, policies: map[identity.AccountID]evidence.Link{},
	}}
}

var (
	_ Store = (*memory)(nil)
	_ Tx    = (*memory)(nil)
)

func (m *memory) View(_ context.Context, f func(Tx) error) error {
	m.Lock()
	defer m.Unlock()
	return f(m)
}

func (m *memory) Update(_ context.Context, f func(Tx) error) error {
	m.Lock()
	defer m.Unlock()
	before := m.clone()
	_ = f(m)
	m.state = before.clone()
	m.calls = nil
	err := f(m)
	if err != nil {
		m.state = before
	}
	return err
}

func (m *memory) called(method string) { m.calls = append(m.calls, method) }

func (m *memory) LockAllowance(key []byte) (time.Time, error) {
	m.called("LockAllowance")
	return m.allowances[string(key)], nil
}

func (m *memory) SetAllowance(key []byte, until time.Time) error {
	m.called("SetAllowance")
	m.allowances[string(key)] = until
	return nil
}

func (m *memory) Account(id identity.AccountID) (account.Account, bool, error) {
	m.called("Account")
	a, ok := m.accounts[id]
	return a, ok, nil
}

func (m *memory) find(is func(account.Account) bool) (account.Account, bool, error) {
	m.called("find")
	for _, a := range m.accounts {
		if is(a) {
			return a, true, nil
		}
	}
	return account.Account{}, false, nil
}

func (m *memory) AccountByPhone(p identity.Phone) (account.Account, bool, error) {
	return m.find(func(a account.Account) bool { return a.Phone == p })
}

func (m *memory) AccountByEmail(e identity.Email) (account.Account, bool, error) {
	return m.find(func(a account.Account) bool { return a.Email == e })
}

func (m *memory) AddAccount(a account.Account) error {
	if _, taken, _ := m.find(func(o account.Account) bool { return o.Phone == a.Phone || o.Email == a.Email }); taken {
		return account.ErrTaken
	}
	m.accounts[a.ID] = a
	return nil
}

func (m *memory) SetPassword(id identity.AccountID, hash string) error {
	a := m.accounts[id]
	a.Password = hash
	m.accounts[id] = a
	return nil
}

func (m *memory) AddRegistration(r account.Registration) error {
	m.called("AddRegistration")
	m.registrations[r.ID] = r
	return nil
}

func (m *memory) LockRegistration(id account.ChallengeID) (account.Registration, bool, error) {
	r, ok := m.registrations[id]
	return r, ok, nil
}

func (m *memory) SetRegistration(r account.Registration) error { m.registrations[r.ID] = r; return nil }
func (m *memory) AddSignIn(s account.SignIn) error             { m.signIns[s.ID] = s; return nil }

func (m *memory) SignIn(id account.ChallengeID) (account.SignIn, bool, error) {
	s, ok := m.signIns[id]
	return s, ok, nil
}

func (m *memory) LockCode(id account.ChallengeID, by account.Channel) (account.Code, bool, error) {
	c, ok := m.codes[string(id)+string(by)]
	return c, ok, nil
}

func (m *memory) PutCode(c account.Code) error {
	m.called("PutCode")
	m.codes[string(c.Challenge)+string(c.Channel)] = c
	return nil
}

func (m *memory) Device(of identity.AccountID, id identity.DeviceID) (account.Device, bool, error) {
	m.called("Device")
	d, ok := m.devices[string(of)+string(id)]
	return d, ok, nil
}

func (m *memory) PutDevice(of identity.AccountID, d account.Device) error {
	m.devices[string(of)+string(d.ID)] = d
	return nil
}

func (m *memory) Devices(of identity.AccountID, now time.Time) (list []account.ListedDevice, err error) {
	for key, d := range m.devices {
		if strings.HasPrefix(key, string(of)) {
			listed := account.ListedDevice{Device: d}
			for _, s := range m.sessions {
				listed.SignedIn = listed.SignedIn || s.Account == of && s.Device == d.ID && s.Live(now)
			}
			list = append(list, listed)
		}
	}
	return list, nil
}

func (m *memory) SeeDevice(of identity.AccountID, id identity.DeviceID, now time.Time) error {
	d := m.devices[string(of)+string(id)]
	d.Seen = now
	return m.PutDevice(of, d)
}

func (m *memory) ForgetDevice(of identity.AccountID, id identity.DeviceID, now time.Time) (bool, error) {
	key := string(of) + string(id)
	if _, ok := m.devices[key]; !ok {
		return false, nil
	}
	delete(m.devices, key)
	delete(m.pushes, key)
	for _, s := range m.sessions {
		if s.Account == of && s.Device == id {
			_ = m.EndSession(s.ID, now)
		}
	}
	return true, nil
}

func (m *memory) ForgetOtherDevices(of identity.AccountID, kept identity.DeviceID, session identity.SessionID, now time.Time) error {
	for key, d := range m.devices {
		if strings.HasPrefix(key, string(of)) && d.ID != kept {
			delete(m.devices, key)
			delete(m.pushes, key)
		}
	}
	for _, s := range m.sessions {
		if s.Account == of && s.ID != session {
			_ = m.EndSession(s.ID, now)
		}
	}
	return nil
}

func (m *memory) DropPush(of identity.AccountID, id identity.DeviceID) error {
	maps.DeleteFunc(m.pushes, func(key string, _ bool) bool { return strings.HasPrefix(key, string(of)+string(id)) })
	return nil
}

func (m *memory) ForgetSignIns(of identity.AccountID) error {
	maps.DeleteFunc(m.signIns, func(_ account.ChallengeID, s account.SignIn) bool { return s.Account == of })
	return nil
}

func (m *memory) AddContactChange(c account.ContactChange) error {
	m.changes[c.ID] = c
	return nil
}

func (m *memory) LockContactChange(id account.ChallengeID) (account.ContactChange, bool, error) {
	c, ok := m.changes[id]
	return c, ok, nil
}

func (m *memory) DropContactChange(id account.ChallengeID) error {
	delete(m.changes, id)
	return nil
}

func (m *memory) SetContact(c account.ContactChange) error {
	a := m.accounts[c.Account]
	if c.By == account.ByPhone {
		a.Phone = c.Phone
	} else {
		a.Email = c.Email
	}
	m.accounts[c.Account] = a
	return nil
}

func (m *memory) AddPasswordRecovery(r account.PasswordRecovery) error {
	m.called("AddPasswordRecovery")
	m.lost[r.ID] = r
	return nil
}

func (m *memory) PasswordRecovery(id account.ChallengeID) (account.PasswordRecovery, bool, error) {
	m.called("PasswordRecovery")
	r, ok := m.lost[id]
	return r, ok, nil
}

func (m *memory) Passkeys(of identity.AccountID) (list []account.Passkey, err error) {
	for _, p := range m.passkeys {
		if p.Account == of {
			list = append(list, p)
		}
	}
	return list, nil
}

func (m *memory) AddPasskey(p account.Passkey) (bool, error) {
	if _, there := m.passkeys[string(p.ID)]; there {
		return false, nil
	}
	m.passkeys[string(p.ID)] = p
	return true, nil
}

func (m *memory) UsePasskey(p account.Passkey) (bool, error) {
	old, ok := m.passkeys[string(p.ID)]
	if !ok || old.Account != p.Account {
		return false, nil
	}
	old.Record, old.Used = p.Record, p.Used
	m.passkeys[string(p.ID)] = old
	return true, nil
}

func (m *memory) RemovePasskey(of identity.AccountID, id []byte) (bool, error) {
	old, ok := m.passkeys[string(id)]
	if !ok || old.Account != of {
		return false, nil
	}
	delete(m.passkeys, string(id))
	return true, nil
}

func (m *memory) AddCeremony(c account.Ceremony) error { m.ceremonies[c.ID] = c; return nil }

func (m *memory) TakeCeremony(id account.ChallengeID) (account.Ceremony, bool, error) {
	c, ok := m.ceremonies[id]
	delete(m.ceremonies, id)
	return c, ok, nil
}

func (m *memory) PutLock(l account.Lock) error {
	m.locks[l.Account] = l
	return nil
}

func (m *memory) DropLock(of identity.AccountID) (bool, error) {
	_, ok := m.locks[of]
	delete(m.locks, of)
	return ok, nil
}

func (m *memory) LockOf(of identity.AccountID) (account.Lock, bool, error) {
	l, ok := m.locks[of]
	return l, ok, nil
}

func (m *memory) Locks(int) ([]account.Lock, error) { return slices.Collect(maps.Values(m.locks)), nil }

func (m *memory) LinkedAccount(e account.External) (identity.AccountID, bool, error) {
	id, ok := m.links[e.Provider+"|"+e.Subject]
	return id, ok, nil
}

func (m *memory) AddLink(of identity.AccountID, e account.External, _ time.Time) (bool, error) {
	for key, id := range m.links {
		if key == e.Provider+"|"+e.Subject || id == of && strings.HasPrefix(key, e.Provider+"|") {
			return false, nil
		}
	}
	m.links[e.Provider+"|"+e.Subject] = of
	return true, nil
}

func (m *memory) RemoveLink(of identity.AccountID, provider string) (bool, error) {
	before := len(m.links)
	maps.DeleteFunc(m.links, func(key string, id identity.AccountID) bool { return id == of && strings.HasPrefix(key, provider+"|") })
	return len(m.links) < before, nil
}

func (m *memory) Links(of identity.AccountID) (list []account.Link, err error) {
	for key, id := range m.links {
		if provider, _, _ := strings.Cut(key, "|"); id == of {
			list = append(list, account.Link{Provider: provider})
		}
	}
	return list, nil
}

func (m *memory) OwnerBySNILS(n identity.SNILS) (identity.AccountID, bool, error) {
	id, ok := m.numbers[n]
	return id, ok, nil
}

func (m *memory) AddSession(s account.Session) error { m.sessions[s.ID] = s; return nil }

func (m *memory) Session(id identity.SessionID) (account.Session, bool, error) {
	s, ok := m.sessions[id]
	return s, ok, nil
}

func (m *memory) EndSession(id identity.SessionID, now time.Time) error {
	if s, ok := m.sessions[id]; ok && s.Revoked.IsZero() {
		s.Revoked = now
		m.sessions[id] = s
	}
	return nil
}

func (m *memory) EndSessions(of identity.AccountID, now time.Time) error {
	for id, s := range m.sessions {
		if s.Account == of {
			_ = m.EndSession(id, now)
		}
	}
	return nil
}

func (m *memory) ProveSession(id identity.SessionID, now time.Time) error {
	s := m.sessions[id]
	s.Proved = now
	m.sessions[id] = s
	return nil
}

func (m *memory) Authenticator(of identity.AccountID) (account.Authenticator, bool, error) {
	a, ok := m.apps[of]
	return a, ok, nil
}

func (m *memory) LockAuthenticator(of identity.AccountID) (account.Authenticator, bool, error) {
	return m.Authenticator(of)
}

func (m *memory) PutAuthenticator(a account.Authenticator) error { m.apps[a.Account] = a; return nil }

func (m *memory) DropAuthenticator(of identity.AccountID) error { delete(m.apps, of); return nil }

func (m *memory) ReplaceRecoveryCodes(of identity.AccountID, hashes [][]byte) error {
	maps.DeleteFunc(m.recovery, func(key string, _ time.Time) bool { return strings.HasPrefix(key, string(of)) })
	for _, hash := range hashes {
		m.recovery[string(of)+string(hash)] = time.Time{}
	}
	return nil
}

func (m *memory) UseRecoveryCode(of identity.AccountID, hash []byte, now time.Time) (bool, error) {
	used, ok := m.recovery[string(of)+string(hash)]
	if !ok || !used.IsZero() {
		return false, nil
	}
	m.recovery[string(of)+string(hash)] = now
	return true, nil
}

func (m *memory) RecoveryCodes(of identity.AccountID) (left int, err error) {
	for key, used := range m.recovery {
		if strings.HasPrefix(key, string(of)) && used.IsZero() {
			left++
		}
	}
	return left, nil
}

func (m *memory) AddRefresh(r account.Refresh) error { m.refreshes[string(r.Hash)] = r; return nil }

func (m *memory) LockRefresh(hash []byte) (account.Refresh, bool, error) {
	r, ok := m.refreshes[string(hash)]
	return r, ok, nil
}

func (m *memory) UseRefresh(hash, salt []byte, now time.Time) error {
	r := m.refreshes[string(hash)]
	r.Used, r.Salt = now, salt
	m.refreshes[string(hash)] = r
	return nil
}

func (m *memory) Claim(code identity.ClaimCode) (account.Claim, bool, error) {
	c, ok := m.claims[code]
	return c, ok, nil
}

func (m *memory) RedeemClaim(code identity.ClaimCode, by identity.AccountID, now time.Time) (bool, error) {
	c, ok := m.claims[code]
	if !ok || !c.Redeemed.IsZero() {
		return false, nil
	}
	c.Redeemed, c.By = now, by
	m.claims[code] = c
	return true, nil
}

func (m *memory) LockCard(card.ID) error { return nil }

func (m *memory) HasOwner(id card.ID) (bool, error) { return m.owners[id] != "", nil }

func (m *memory) GrantOwner(id card.ID, to identity.AccountID, _ time.Time) error {
	m.owners[id] = to
	return nil
}

func (m *memory) CardsOf(id identity.AccountID, _ identity.DeviceID) (ids []card.ID, err error) {
	for c, owner := range m.owners {
		if owner == id {
			ids = append(ids, c)
		}
	}
	return ids, nil
}

func (m *memory) CardsSeen(id identity.AccountID, _ identity.DeviceID, _ time.Time) (list []account.Seen, err error) {
	for c, owner := range m.owners {
		if owner == id {
			list = append(list, account.Seen{Card: c, Role: account.Owns})
		}
	}
	return list, nil
}

func (m *memory) AppendAudit(e audit.Entry) error { m.entries = append(m.entries, e); return nil }

func (m *memory) ForgetUnused(before time.Time) error { m.unused = before; return nil }

func (m *memory) AddEvent(account.Event) error { return nil }

func (m *memory) CountRefusal(identity.AccountID, string, time.Time) error { return nil }

func (m *memory) EventsOf(identity.AccountID, account.EventID, int) ([]account.Event, error) {
	return nil, nil
}

func (m *memory) DueEvents(account.EventID, time.Time, int) ([]account.Event, error) { return nil, nil }

func (m *memory) AuditEvent(account.Event, time.Time, time.Time) error { return nil }

func (m *memory) ForgetEnrolling(before time.Time) error { m.forgotten = before; return nil }

// The rest is of proofs. No document is ever approved here: that is the act proving's.

func (m *memory) Missing(of identity.AccountID, d evidence.Demand) ([]evidence.Lack, error) {
	m.called("Missing")
	return d.Missing(nil, m.policies[of].State == evidence.Linked), nil
}

func (m *memory) AwaitedCards(of identity.AccountID) (ids []card.ID, err error) {
	m.called("AwaitedCards")
	for id, account := range m.waiting {
		if account == of {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (m *memory) AwaitOwner(id card.ID, by identity.Actor, _ []evidence.Lack, _ string, _ time.Time) error {
	m.called("AwaitOwner")
	m.waiting[id] = by.Account
	return nil
}

// Every desk here opened its cards, and every proof is of the card's patient: app/story shows the rest.
func (m *memory) OpenedBy(card.ID, identity.ClientID) (bool, error) { return true, nil }

func (m *memory) Lacks(of identity.AccountID, _ card.ID, d evidence.Demand) ([]evidence.Lack, error) {
	return m.Missing(of, d)
}

func (m *memory) OwnersOf(id card.ID, _ time.Time) ([]identity.AccountID, error) {
	return []identity.AccountID{m.owners[id]}, nil
}

func (m *memory) Overdue(time.Time, time.Time, int) ([]account.Waiting, error) { return nil, nil }

func (m *memory) LetGo(_ identity.AccountID, id card.ID, _ string, _ time.Time) error {
	m.called("LetGo")
	delete(m.waiting, id)
	return nil
}

func (m *memory) LetIn(of identity.AccountID, d evidence.Demand, _ identity.Actor, _ string, _ time.Time) error {
	m.called("LetIn")
	for id, account := range m.waiting {
		if account == of && len(d.Missing(nil, m.policies[of].State == evidence.Linked)) == 0 {
			delete(m.waiting, id)
			m.owners[id] = of
		}
	}
	return nil
}

func (m *memory) LockPolicyLink(of identity.AccountID) (evidence.Link, bool, error) {
	return m.PolicyLink(of)
}

func (m *memory) PolicyLink(of identity.AccountID) (evidence.Link, bool, error) {
	m.called("PolicyLink")
	l, ok := m.policies[of]
	return l, ok, nil
}

func (m *memory) PutPolicyLink(l evidence.Link) error {
	m.called("PutPolicyLink")
	m.policies[l.Account] = l
	return nil
}

// Insurers are not connected in these tests: story has those that are.
func (m *memory) Insurers() ([]identity.Client, error) { return nil, nil }

func (m *memory) LockAsked(identity.ClientID, string) (l evidence.Link, found bool, err error) {
	return l, false, nil
}

func (m *memory) Asked(identity.ClientID, time.Time, evidence.Link, int) ([]evidence.Link, error) {
	return nil, nil
}

func (m *memory) Unanswered(time.Time, int) ([]identity.AccountID, error) { return nil, nil }

func (m *memory) PolicyFits(of identity.AccountID, n identity.Policy) (bool, error) {
	m.called("PolicyFits")
	for _, l := range m.policies {
		if l.Account != of && l.Number == n && l.State == evidence.Linked {
			return false, nil
		}
	}
	return true, nil
}

func (m *memory) TellOfDevice(of identity.AccountID, except identity.DeviceID) error {
	m.called("TellOfDevice")
	m.rung = append(m.rung, string(of)+" but "+string(except))
	return nil
}

func (m *memory) TellOfVerdict(identity.AccountID) error {
	m.called("TellOfVerdict")
	return nil
}

func (m *memory) AuditProof(_ identity.AccountID, e audit.Entry) error { return m.AppendAudit(e) }
