package console

import "hoalu/soc"

// UnitItem is a body of the province.
type UnitItem struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Kind    string `json:"kind" enum:"department,commune,police,other"`
	Systems int    `json:"systems" doc:"in use that it owns or operates, of those the asker may see"`
	Demo    bool   `json:"demo,omitempty"`
	Retired Time   `json:"retired,omitzero" doc:"since when it is in use no longer; left out: in use"`
	Version int64  `json:"version"`
}

type unitsIn struct {
	Text    string `query:"q" maxLength:"200"`
	Retired bool   `query:"retired" doc:"only those in use no longer; else those in use"`
}

type unitBody struct {
	Name    string `json:"name" minLength:"1" maxLength:"200"`
	Kind    string `json:"kind" enum:"department,commune,police,other"`
	Version int64  `json:"version,omitempty" doc:"the version seen, for a change"`
}

// AssetItem is a host, device or network of a system.
type AssetItem struct {
	ID      string    `json:"id"`
	System  SystemRef `json:"system"`
	Host    string    `json:"host"`
	Address string    `json:"address,omitempty" doc:"address or CIDR"`
	Zone    string    `json:"zone,omitempty"`
	Kind    string    `json:"kind,omitempty"`
	Demo    bool      `json:"demo,omitempty"`
	Retired Time      `json:"retired,omitzero" doc:"since when it is in use no longer; left out: in use"`
	Version int64     `json:"version"`
}

type assetsIn struct {
	Text    string `query:"q" maxLength:"200"`
	System  string `query:"system" maxLength:"64"`
	Retired bool   `query:"retired" doc:"only those in use no longer; else those in use"`
	Sort    string `query:"sort" enum:"id,-id,host,-host,address,-address,system,-system,kind,-kind" doc:"default: id"`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After   string `query:"after" maxLength:"200"`
}

type assetBody struct {
	System  string `json:"system" minLength:"1" maxLength:"64"`
	Host    string `json:"host,omitempty" maxLength:"253" doc:"host name as it stands in its events; host or address must be there"`
	Address string `json:"address,omitempty" maxLength:"64" doc:"address or CIDR"`
	Zone    string `json:"zone,omitempty" maxLength:"60"`
	Kind    string `json:"kind,omitempty" maxLength:"60" doc:"server, workstation, firewall …; left out: server"`
	Version int64  `json:"version,omitempty" doc:"the version seen, for a change"`
}

type importBody struct {
	Text   string `json:"text" minLength:"1" maxLength:"1048576" doc:"rows of host, address, system, zone, kind; comma, semicolon or tab between them; a first row of column names may give another order"`
	System string `json:"system,omitempty" maxLength:"64" doc:"of rows that name none"`
	Check  bool   `json:"check,omitempty" doc:"only say what would be done"`
}

// AssetsImported says what an import did, or would do; with anything wrong nothing is stored.
type AssetsImported struct {
	Done      bool       `json:"done" doc:"false: only checked, or something is wrong"`
	Added     int        `json:"added" doc:"assets declared, or that would be"`
	Unchanged int        `json:"unchanged" doc:"rows that say what is declared already"`
	Wrong     []WrongRow `json:"wrong"`
}

// WrongRow is one thing that is wrong in a row.
type WrongRow struct {
	Line   int            `json:"line" doc:"1-based, in the text as it was given"`
	Detail string         `json:"detail"`
	Fields []ProblemField `json:"fields"`
}

type retireBody struct {
	Retired bool   `json:"retired" doc:"false takes it back into use"`
	Reason  string `json:"reason" minLength:"1" maxLength:"400"`
	Version int64  `json:"version" minimum:"1" doc:"the version seen"`
}

type retireIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body retireBody
}

type deleteIn struct {
	ID      string `path:"id" maxLength:"64"`
	Version int64  `query:"version" minimum:"1" required:"true" doc:"the version seen"`
}

type forgetBody struct {
	IDs []string `json:"ids" minItems:"1" maxItems:"1000"`
}

// SourcesForgotten says which of the sources are gone.
type SourcesForgotten struct {
	Deleted []string      `json:"deleted"`
	Failed  []SourceStays `json:"failed"`
}

// SourceStays is a source that was not deleted, and why.
type SourceStays struct {
	ID     string `json:"id"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"`
}

// UseItem is one thing that is in the way of retiring or deleting another.
type UseItem struct {
	soc.Use
	Page string `json:"page,omitempty" doc:"where it can be seen; left out: no page of its own"`
}
