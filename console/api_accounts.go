package console

import "hoalu/soc"

// Preferences of one person, stored at the server.
type Preferences struct {
	Language string            `json:"language,omitempty" enum:"vi,en"`
	Theme    string            `json:"theme,omitempty" enum:"light,dark,system"`
	Density  string            `json:"density,omitempty" enum:"normal,roomy"`
	Keys     bool              `json:"keys" doc:"single-letter keys on"`
	Columns  map[string]string `json:"columns,omitempty" doc:"column choices by table, as the page writes them" maxProperties:"64"`
}

// Site is this appliance as people know it.
type Site struct {
	Name    string `json:"name"`
	Unit    string `json:"unit,omitempty"`
	Zone    string `json:"zone"`
	Version string `json:"version"`
	First   bool   `json:"first" doc:"true until the first account exists: open the one-time link"`
}

// Permissions say what the menu may show and which buttons act; the server decides again on every call.
type Permissions struct {
	Pages map[string]string `json:"pages" doc:"page → write, read, own (own systems), personal (personal-data ones, masked), counts; a page that is not here does not exist for this person"`
	Deeds []string          `json:"deeds" doc:"actions of the policy this person may do, such as alerts.acknowledge"`
}

// Me is the person or token that asks.
type Me struct {
	ID          string         `json:"id"`
	Login       string         `json:"login"`
	Name        string         `json:"name"`
	Roles       []soc.Role     `json:"roles"`
	Unit        *Ref           `json:"unit,omitempty"`
	Token       bool           `json:"token,omitempty" doc:"asked with an API token"`
	Conflicts   []RoleConflict `json:"conflicts" doc:"pairs of one's roles that one person should not hold"`
	TwoRoles    bool           `json:"two_roles" doc:"holds two of operate, administer and protect: show the banner (L3-ORG-02)"`
	Permissions Permissions    `json:"permissions"`
	Preferences Preferences    `json:"preferences"`
	Site        Site           `json:"site"`
	SessionEnds Time           `json:"session_ends,omitzero"`
	IdleAfter   int64          `json:"idle_after_seconds,omitempty"`
	Codes       int            `json:"recovery_codes_left"`
	Checklist   []Check        `json:"checklist" doc:"first-run steps, each ticking itself; empty when all are done or put away"`
	Now         Time           `json:"now" doc:"the server's clock, for ages"`
}

// Check is one step of the first run.
type Check struct {
	ID   string `json:"id" enum:"events,exercise,source,system,endpoint,backup"`
	Done bool   `json:"done"`
	// Unknown is set where it could not be told: neither done nor to be done.
	Unknown string `json:"unknown,omitempty" doc:"why it could not be told whether this is done"`
	Text    Text   `json:"text"`
	Page    string `json:"page,omitempty"`
}

type firstStartBody struct {
	Token string `json:"token" minLength:"20" maxLength:"200"`
}

// FirstStart is what the one-time link shows before the account exists.
type FirstStart struct {
	Kind    string `json:"kind" enum:"first,invite,reset"`
	Login   string `json:"login,omitempty" doc:"given by the administrator for an invitation"`
	Name    string `json:"name,omitempty"`
	Site    Site   `json:"site"`
	Secret  string `json:"totp_secret" doc:"base32, to type into the phone"`
	URL     string `json:"totp_url" doc:"otpauth:// address"`
	QR      string `json:"totp_qr" doc:"the same as a PNG data: address"`
	Expires Time   `json:"expires"`
}

type firstBody struct {
	Token    string `json:"token" minLength:"20" maxLength:"200"`
	Login    string `json:"login" minLength:"2" maxLength:"64" pattern:"^[a-z0-9][a-z0-9._-]*$" patternDescription:"lower-case letters, digits, dot, dash"`
	Name     string `json:"name,omitempty" maxLength:"120"`
	Password string `json:"password" minLength:"12" maxLength:"256"`
	Code     string `json:"code" minLength:"6" maxLength:"6"`
	SiteName string `json:"site_name,omitempty" maxLength:"120"`
}

// FirstDone carries the recovery codes, shown once, and the new session's person.
type FirstDone struct {
	RecoveryCodes []string `json:"recovery_codes"`
	Me            Me       `json:"me"`
}

type loginBody struct {
	Login    string `json:"login" minLength:"1" maxLength:"64"`
	Password string `json:"password" minLength:"1" maxLength:"256"`
	Code     string `json:"code,omitempty" maxLength:"32" doc:"six digits of the phone, or a recovery code"`
}

type passwordBody struct {
	Password string `json:"password" minLength:"1" maxLength:"256" doc:"the present one"`
	New      string `json:"new" minLength:"12" maxLength:"256"`
	Code     string `json:"code" maxLength:"32"`
}

type recoveryBody struct {
	Password string `json:"password" minLength:"1" maxLength:"256"`
	Code     string `json:"code" maxLength:"32"`
}

// RecoveryCodes are shown once.
type RecoveryCodes struct {
	RecoveryCodes []string `json:"recovery_codes"`
}

// Session is one log-in that lives.
type Session struct {
	ID      string `json:"id"`
	Account Ref    `json:"account"`
	Address string `json:"address"`
	Agent   string `json:"agent"`
	Started Time   `json:"started"`
	Seen    Time   `json:"seen"`
	Ends    Time   `json:"ends"`
	Current bool   `json:"current"`
}

// Account is one person.
type Account struct {
	ID        string         `json:"id"`
	Login     string         `json:"login"`
	Name      string         `json:"name"`
	Roles     []soc.Role     `json:"roles"`
	Unit      *Ref           `json:"unit,omitempty"`
	State     string         `json:"state" enum:"invited,active,locked,disabled"`
	Created   Time           `json:"created"`
	LastUse   Time           `json:"last_use,omitzero"`
	Sessions  int            `json:"sessions"`
	TwoRoles  bool           `json:"two_roles"`
	Conflicts []RoleConflict `json:"conflicts" doc:"pairs of roles that one person should not hold; empty is good"`
	Version   int64          `json:"version"`
}

// RoleConflict is a pair of roles that one person should not hold.
type RoleConflict struct {
	Roles []soc.Role `json:"roles"`
	Text  Text       `json:"text"`
}

type accountBody struct {
	Login        string     `json:"login" minLength:"2" maxLength:"64" pattern:"^[a-z0-9][a-z0-9._-]*$"`
	Name         string     `json:"name" minLength:"1" maxLength:"120"`
	Roles        []soc.Role `json:"roles" minItems:"1" maxItems:"7"`
	Unit         string     `json:"unit,omitempty" doc:"DV- number; owners need one"`
	Acknowledged bool       `json:"acknowledged,omitempty" doc:"the warning about several roles was read (409 roles_warning asks for it)"`
}

// AccountMade carries the link the new person opens; it is shown once.
type AccountMade struct {
	Account Account `json:"account"`
	Link    string  `json:"link" doc:"one-time link under a name this appliance serves; an invitation is good for 72 hours, a reset for 15 minutes"`
	Expires Time    `json:"expires"`
}

type accountChange struct {
	Name         string     `json:"name,omitempty" maxLength:"120"`
	Roles        []soc.Role `json:"roles" minItems:"1" maxItems:"7"`
	Unit         string     `json:"unit,omitempty"`
	Enabled      bool       `json:"enabled"`
	Acknowledged bool       `json:"acknowledged,omitempty" doc:"the warning about several roles was read (409 roles_warning asks for it)"`
	Version      int64      `json:"version"`
}

// Token is an API token; its secret is never shown again.
type Token struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Roles   []soc.Role `json:"roles"`
	Unit    *Ref       `json:"unit,omitempty"`
	Created Time       `json:"created"`
	By      string     `json:"by"`
	Expires Time       `json:"expires"`
	LastUse Time       `json:"last_use,omitzero"`
	Revoked Time       `json:"revoked,omitzero"`
	Orphan  bool       `json:"orphan,omitempty" doc:"who made it may make none any more, so it opens nothing"`
}

type tokenBody struct {
	Name  string     `json:"name" minLength:"1" maxLength:"120"`
	Roles []soc.Role `json:"roles" minItems:"1" maxItems:"7"`
	Unit  string     `json:"unit,omitempty"`
	Days  int        `json:"days,omitempty" minimum:"0" maximum:"365" doc:"0: 90"`
}

// TokenMade carries the secret, shown once.
type TokenMade struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret" doc:"Authorization: Bearer …; shown once"`
}
