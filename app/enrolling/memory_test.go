package enrolling

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
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
	entries       []audit.Entry
	forgotten     time.Time
}

func (s state) clone() state {
	return state{maps.Clone(s.allowances), maps.Clone(s.accounts), maps.Clone(s.registrations), maps.Clone(s.signIns), maps.Clone(s.codes),
		maps.Clone(s.devices), maps.Clone(s.sessions), maps.Clone(s.refreshes), maps.Clone(s.claims), maps.Clone(s.owners), slices.Clone(s.entries), s.forgotten}
}

func newMemory() *memory {
	return &memory{state: state{
		allowances: map[string]time.Time{}, accounts: map[identity.AccountID]account.Account{}, registrations: map[account.ChallengeID]account.Registration{},
		signIns: map[account.ChallengeID]account.SignIn{}, codes: map[string]account.Code{}, devices: map[string]account.Device{},
		sessions: map[identity.SessionID]account.Session{}, refreshes: map[string]account.Refresh{}, claims: map[identity.ClaimCode]account.Claim{},
		owners: map[card.ID]identity.AccountID{},
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

func (m *memory) CardsOf(id identity.AccountID) (ids []card.ID, err error) {
	for c, owner := range m.owners {
		if owner == id {
			ids = append(ids, c)
		}
	}
	return ids, nil
}

func (m *memory) AppendAudit(e audit.Entry) error { m.entries = append(m.entries, e); return nil }

func (m *memory) ForgetEnrolling(before time.Time) error { m.forgotten = before; return nil }
