package console

import "context"

func (c *Console) startFirst(ctx context.Context, call *call, in *bodyIn[firstStartBody]) (*FirstStart, error) {
	return nil, unavailable("startFirst")
}

func (c *Console) first(ctx context.Context, call *call, in *bodyIn[firstBody]) (*FirstDone, error) {
	return nil, unavailable("first")
}

func (c *Console) siteInfo(ctx context.Context, call *call, in *none) (*Site, error) {
	return nil, unavailable("siteInfo")
}

func (c *Console) login(ctx context.Context, call *call, in *bodyIn[loginBody]) (*Me, error) {
	return nil, unavailable("login")
}

func (c *Console) logout(ctx context.Context, call *call, in *none) (*Done, error) {
	return nil, unavailable("logout")
}

func (c *Console) me(ctx context.Context, call *call, in *none) (*Me, error) {
	return nil, unavailable("me")
}

func (c *Console) setPreferences(ctx context.Context, call *call, in *bodyIn[Preferences]) (*Preferences, error) {
	return nil, unavailable("setPreferences")
}

func (c *Console) setPassword(ctx context.Context, call *call, in *bodyIn[passwordBody]) (*Done, error) {
	return nil, unavailable("setPassword")
}

func (c *Console) newRecoveryCodes(ctx context.Context, call *call, in *bodyIn[recoveryBody]) (*RecoveryCodes, error) {
	return nil, unavailable("newRecoveryCodes")
}

func (c *Console) listSessions(ctx context.Context, call *call, in *none) (*Page[Session], error) {
	return nil, unavailable("listSessions")
}

func (c *Console) endSession(ctx context.Context, call *call, in *idIn) (*Done, error) {
	return nil, unavailable("endSession")
}

func (c *Console) status(ctx context.Context, call *call, in *none) (*Status, error) {
	return nil, unavailable("status")
}

func (c *Console) overview(ctx context.Context, call *call, in *none) (*Overview, error) {
	return nil, unavailable("overview")
}

func (c *Console) listAlerts(ctx context.Context, call *call, in *alertsIn) (*AlertsAnswer, error) {
	return nil, unavailable("listAlerts")
}

func (c *Console) getAlert(ctx context.Context, call *call, in *idIn) (*AlertDetail, error) {
	return nil, unavailable("getAlert")
}

func (c *Console) actOnAlerts(ctx context.Context, call *call, in *bodyIn[alertActionBody]) (*AlertActionDone, error) {
	return nil, unavailable("actOnAlerts")
}

func (c *Console) undo(ctx context.Context, call *call, in *bodyIn[undoBody]) (*UndoDone, error) {
	return nil, unavailable("undo")
}

func (c *Console) searchEvents(ctx context.Context, call *call, in *eventsIn) (*EventsAnswer, error) {
	return nil, unavailable("searchEvents")
}

func (c *Console) aggregateEvents(ctx context.Context, call *call, in *eventsIn) (*EventsAnswer, error) {
	return nil, unavailable("aggregateEvents")
}

func (c *Console) eventFields(ctx context.Context, call *call, in *fieldsIn) (*FieldsAnswer, error) {
	return nil, unavailable("eventFields")
}

func (c *Console) getEvent(ctx context.Context, call *call, in *idIn) (*EventDetail, error) {
	return nil, unavailable("getEvent")
}

func (c *Console) makeSearch(ctx context.Context, call *call, in *bodyIn[searchBody]) (*Search, error) {
	return nil, unavailable("makeSearch")
}

func (c *Console) listSearches(ctx context.Context, call *call, in *none) (*Page[Search], error) {
	return nil, unavailable("listSearches")
}

func (c *Console) deleteSearch(ctx context.Context, call *call, in *idIn) (*Done, error) {
	return nil, unavailable("deleteSearch")
}

func (c *Console) listSystems(ctx context.Context, call *call, in *systemsIn) (*SystemsAnswer, error) {
	return nil, unavailable("listSystems")
}

func (c *Console) addSystem(ctx context.Context, call *call, in *bodyIn[systemBody]) (*SystemItem, error) {
	return nil, unavailable("addSystem")
}

func (c *Console) getSystem(ctx context.Context, call *call, in *idIn) (*SystemDetail, error) {
	return nil, unavailable("getSystem")
}

func (c *Console) changeSystem(ctx context.Context, call *call, in *idBodyIn[systemBody]) (*SystemItem, error) {
	return nil, unavailable("changeSystem")
}

func (c *Console) posture(ctx context.Context, call *call, in *postureIn) (*PostureAnswer, error) {
	return nil, unavailable("posture")
}

func (c *Console) postureChanges(ctx context.Context, call *call, in *changesIn) (*Page[PostureChange], error) {
	return nil, unavailable("postureChanges")
}

func (c *Console) listControls(ctx context.Context, call *call, in *none) (*Page[ControlItem], error) {
	return nil, unavailable("listControls")
}

func (c *Console) getControl(ctx context.Context, call *call, in *idIn) (*ControlDetail, error) {
	return nil, unavailable("getControl")
}

func (c *Console) listUnits(ctx context.Context, call *call, in *none) (*Page[UnitItem], error) {
	return nil, unavailable("listUnits")
}

func (c *Console) addUnit(ctx context.Context, call *call, in *bodyIn[unitBody]) (*UnitItem, error) {
	return nil, unavailable("addUnit")
}

func (c *Console) listSources(ctx context.Context, call *call, in *sourcesIn) (*SourcesAnswer, error) {
	return nil, unavailable("listSources")
}

func (c *Console) addSource(ctx context.Context, call *call, in *bodyIn[sourceBody]) (*SourceItem, error) {
	return nil, unavailable("addSource")
}

func (c *Console) getSource(ctx context.Context, call *call, in *idIn) (*SourceDetail, error) {
	return nil, unavailable("getSource")
}

func (c *Console) changeSource(ctx context.Context, call *call, in *idBodyIn[sourceBody]) (*SourceItem, error) {
	return nil, unavailable("changeSource")
}

func (c *Console) stopSource(ctx context.Context, call *call, in *idBodyIn[stopBody]) (*SourceItem, error) {
	return nil, unavailable("stopSource")
}

func (c *Console) listSensors(ctx context.Context, call *call, in *none) (*Page[SensorItem], error) {
	return nil, unavailable("listSensors")
}

func (c *Console) ledger(ctx context.Context, call *call, in *ledgerIn) (*LedgerAnswer, error) {
	return nil, unavailable("ledger")
}

func (c *Console) listQuarantine(ctx context.Context, call *call, in *quarantineIn) (*QuarantineAnswer, error) {
	return nil, unavailable("listQuarantine")
}

func (c *Console) replayQuarantine(ctx context.Context, call *call, in *bodyIn[replayBody]) (*Replayed, error) {
	return nil, unavailable("replayQuarantine")
}

func (c *Console) national(ctx context.Context, call *call, in *none) (*NationalSummary, error) {
	return nil, unavailable("national")
}

func (c *Console) listOutbox(ctx context.Context, call *call, in *outboxIn) (*Page[ReportItem], error) {
	return nil, unavailable("listOutbox")
}

func (c *Console) getReport(ctx context.Context, call *call, in *idIn) (*ReportDetail, error) {
	return nil, unavailable("getReport")
}

func (c *Console) getEndpoint(ctx context.Context, call *call, in *none) (*EndpointItem, error) {
	return nil, unavailable("getEndpoint")
}

func (c *Console) setEndpoint(ctx context.Context, call *call, in *bodyIn[endpointBody]) (*EndpointItem, error) {
	return nil, unavailable("setEndpoint")
}

func (c *Console) testEndpoint(ctx context.Context, call *call, in *none) (*TestDone, error) {
	return nil, unavailable("testEndpoint")
}

func (c *Console) reconcile(ctx context.Context, call *call, in *bodyIn[reconcileBody]) (*NationalDay, error) {
	return nil, unavailable("reconcile")
}

func (c *Console) listRules(ctx context.Context, call *call, in *rulesIn) (*RulesAnswer, error) {
	return nil, unavailable("listRules")
}

func (c *Console) getRule(ctx context.Context, call *call, in *idIn) (*RuleDetail, error) {
	return nil, unavailable("getRule")
}

func (c *Console) listAudit(ctx context.Context, call *call, in *auditIn) (*AuditAnswer, error) {
	return nil, unavailable("listAudit")
}

func (c *Console) listTokens(ctx context.Context, call *call, in *none) (*Page[Token], error) {
	return nil, unavailable("listTokens")
}

func (c *Console) makeToken(ctx context.Context, call *call, in *bodyIn[tokenBody]) (*TokenMade, error) {
	return nil, unavailable("makeToken")
}

func (c *Console) revokeToken(ctx context.Context, call *call, in *idIn) (*Done, error) {
	return nil, unavailable("revokeToken")
}

func (c *Console) listAccounts(ctx context.Context, call *call, in *none) (*Page[Account], error) {
	return nil, unavailable("listAccounts")
}

func (c *Console) addAccount(ctx context.Context, call *call, in *bodyIn[accountBody]) (*AccountMade, error) {
	return nil, unavailable("addAccount")
}

func (c *Console) changeAccount(ctx context.Context, call *call, in *idBodyIn[accountChange]) (*Account, error) {
	return nil, unavailable("changeAccount")
}

func (c *Console) resetAccount(ctx context.Context, call *call, in *idIn) (*AccountMade, error) {
	return nil, unavailable("resetAccount")
}

func (c *Console) listPeople(ctx context.Context, call *call, in *none) (*Page[Ref], error) {
	return nil, unavailable("listPeople")
}
