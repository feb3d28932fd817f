package phone

import "time"

// The bodies of the account calls as they travel; those of sync are in package wire. They stand here together, so that a
// change of the server's API meets one file.

type registerBody struct {
	Phone    string `json:"phone"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Language string `json:"language,omitempty"`
}

type registerAnswer struct {
	Registration string    `json:"registration"`
	Ends         time.Time `json:"ends"`
	Phone        string    `json:"phone"`
	Email        string    `json:"email"`
}

type confirmBody struct {
	Registration string `json:"registration"`
	Channel      string `json:"channel"`
	Code         string `json:"code"`
}

type confirmAnswer struct {
	Missing []string `json:"missing"`
	Account string   `json:"account"`
}

type resendBody struct {
	Challenge string `json:"challenge"`
	Channel   string `json:"channel"`
}

type signInBody struct {
	Login    string     `json:"login"`
	Password string     `json:"password"`
	Device   deviceBody `json:"device"`
}

type deviceBody struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Secret string `json:"secret"`
}

type lostPasswordBody struct {
	Login  string     `json:"login"`
	Device deviceBody `json:"device"`
}

type foundPasswordBody struct {
	Recovery  string `json:"recovery"`
	PhoneCode string `json:"phoneCode"`
	EmailCode string `json:"emailCode"`
	Password  string `json:"password"`
}

type changePasswordBody struct {
	Current  string `json:"current"`
	Password string `json:"password"`
}

type signInAnswer struct {
	Challenge string    `json:"challenge"`
	Method    string    `json:"method"`
	To        string    `json:"to"`
	Ends      time.Time `json:"ends"`
}

type secondFactorBody struct {
	Challenge string `json:"challenge"`
	Code      string `json:"code"`
}

type codeBody struct {
	Code string `json:"code"`
}

type passkeySignInBody struct {
	Device deviceBody `json:"device"`
}

type passkeyBody struct {
	Ceremony string `json:"ceremony"`
	Response string `json:"response"`
}

type newPasskeyBody struct {
	Ceremony string `json:"ceremony"`
	Name     string `json:"name,omitempty"`
	Response string `json:"response"`
}

type arrivalBody struct {
	Ceremony string `json:"ceremony"`
	State    string `json:"state"`
	Code     string `json:"code"`
}

type refreshBody struct {
	RefreshToken string `json:"refreshToken"`
	DeviceSecret string `json:"deviceSecret"`
}

type tokensAnswer struct {
	AccessToken  string    `json:"accessToken"`
	TokenType    string    `json:"tokenType"`
	AccessEnds   time.Time `json:"accessEnds"`
	RefreshToken string    `json:"refreshToken"`
	Account      string    `json:"account"`
}

func (a tokensAnswer) tokens() tokens {
	return tokens{Access: a.AccessToken, Type: a.TokenType, AccessEnds: a.AccessEnds, Refresh: a.RefreshToken, Account: a.Account}
}

type meAnswer struct {
	Account   string `json:"account"`
	Phone     string `json:"phone"`
	Email     string `json:"email"`
	Language  string `json:"language"`
	Recipient bool   `json:"recipientOfMedicalServices"`
	Cards     []struct {
		ID   string `json:"id"`
		Role string `json:"role"`
	} `json:"cards"`
	Waiting []string        `json:"waiting"`
	Missing []missingAnswer `json:"missing"`
}

type missingAnswer struct {
	Code     string `json:"code"`
	Document string `json:"document"`
	Detail   string `json:"detail"`
}

type claimBody struct {
	Code string `json:"code"`
}

type claimAnswer struct {
	Card    string          `json:"card"`
	Missing []missingAnswer `json:"missing"`
}

type grantAnswer struct {
	ID           string    `json:"id"`
	Role         string    `json:"role"`
	Account      string    `json:"account"`
	Client       string    `json:"client"`
	Organisation string    `json:"organisation"`
	Scopes       []string  `json:"scopes"`
	Purpose      string    `json:"purpose"`
	Starts       time.Time `json:"starts"`
	Ends         time.Time `json:"ends"`
	Revoked      time.Time `json:"revoked"`
	Held         time.Time `json:"held"`
	Used         time.Time `json:"used"`
	State        string    `json:"state"`
}

type grantsAnswer struct {
	Grants []grantAnswer `json:"grants"`
}

type grantBody struct {
	Client  string    `json:"client,omitempty"`
	Account string    `json:"account,omitempty"`
	Scopes  []string  `json:"scopes"`
	Purpose string    `json:"purpose"`
	Ends    time.Time `json:"ends"`
}

type trailAnswer struct {
	Entries []struct {
		Number       uint64    `json:"number"`
		At           time.Time `json:"at"`
		Action       string    `json:"action"`
		Outcome      string    `json:"outcome"`
		Purpose      string    `json:"purpose"`
		Who          string    `json:"who"`
		Organisation string    `json:"organisation"`
		Person       string    `json:"person"`
		Role         string    `json:"role"`
		What         string    `json:"what"`
		Account      string    `json:"account"`
		Standing     string    `json:"standing"`
		Device       string    `json:"device"`
		DeviceName   string    `json:"deviceName"`
		Grant        string    `json:"grant"`
		Agent        string    `json:"agent"`
		OnBehalfOf   string    `json:"onBehalfOf"`
		By           string    `json:"representation"`
	} `json:"entries"`
	Next uint64 `json:"next"`
}

type accessNoticeBody struct {
	On bool `json:"on"`
}

type evidenceAnswer struct {
	Checkpoint string          `json:"checkpoint"`
	Entries    []evidenceEntry `json:"entries"`
	Next       uint64          `json:"next"`
}

type evidenceEntry struct {
	Number uint64   `json:"number"`
	Entry  []byte   `json:"entry"`
	Salt   []byte   `json:"salt"`
	Logged bool     `json:"logged"`
	Place  int64    `json:"place"`
	Proof  [][]byte `json:"proof"`
}

type consistencyAnswer struct {
	Proof [][]byte `json:"proof"`
}

type auditKeyAnswer struct {
	Key       string   `json:"key"`
	Handovers []string `json:"handovers"`
}

type pushTokenBody struct {
	Carrier  string `json:"carrier"`
	Token    string `json:"token"`
	Language string `json:"language,omitempty"`
}

type restrictionBody struct {
	Client  string     `json:"client,omitempty"`
	Account string     `json:"account,omitempty"`
	Scopes  []string   `json:"scopes"`
	Ends    *time.Time `json:"ends,omitempty"`
}

type restrictionAnswer struct {
	ID           string    `json:"id"`
	Account      string    `json:"account"`
	Client       string    `json:"client"`
	Organisation string    `json:"organisation"`
	Scopes       []string  `json:"scopes"`
	Starts       time.Time `json:"starts"`
	Ends         time.Time `json:"ends"`
	Lifted       time.Time `json:"lifted"`
	State        string    `json:"state"`
	Ordered      bool      `json:"ordered"`
}

type restrictionsAnswer struct {
	Restrictions []restrictionAnswer `json:"restrictions"`
}
