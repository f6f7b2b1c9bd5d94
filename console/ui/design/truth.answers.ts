/**
 * Answers of the API as the appliance gives them in four states of not knowing, for truth.test.tsx. The types are those of the
 * published API: a field that it gets, and that these states ought to speak about, is a type error here first.
 */
import type {
  AlertsAnswer,
  AuditAnswer,
  EventsAnswer,
  FieldsAnswer,
  LedgerAnswer,
  LedgerCell,
  LedgerItem,
  LedgerStatus,
  Me,
  NationalDay,
  NationalSummary,
  Overview,
  PageSensorItem,
  Part,
  PostureAnswer,
  QuarantineAnswer,
  RulesAnswer,
  SourceCounts,
  SourceDetail,
  SourceItem,
  SourcesAnswer,
  SourcesStatus,
  Status,
  SystemDetail,
  SystemItem,
  SystemsAnswer,
} from '../api/client';

export const now = Date.parse('2026-11-30T07:12:00Z');
const MIN = 60_000;
const HOUR = 60 * MIN;
const iso = (t: number) => new Date(t).toISOString();
const frame = (total: number) => ({ total, capped: false, next: '', as_of: iso(now), stale_after: iso(now + HOUR) });

export type State = 'empty' | 'hour' | 'store' | 'stopped';
export const states: State[] = ['empty', 'hour', 'store', 'stopped'];

export const me: Me = {
  id: 'p1',
  login: 'trucban1',
  name: 'Trần Thị Bình',
  roles: ['lead', 'administrator'],
  two_roles: false,
  conflicts: [],
  permissions: {
    pages: Object.fromEntries(
      ['overview', 'alerts', 'search', 'systems', 'sources', 'ledger', 'rules', 'national', 'audit', 'admin'].map((p) => [
        p,
        'write',
      ]),
    ),
    deeds: [
      'sources.write',
      'systems.read',
      'inventory.write',
      'quarantine.replay',
      'national.act',
      'accounts.write',
      'tokens.write',
    ],
  },
  preferences: { language: 'vi', theme: 'light', density: 'normal', keys: true } as Me['preferences'],
  recovery_codes_left: 10,
  checklist: [],
  now: iso(now),
  site: { name: 'SOC tỉnh', zone: 'Asia/Ho_Chi_Minh', version: '0.1', first: false },
};

/** Parts of which nothing is known to be wrong, and nothing says that they are right. */
const parts: Part[] = [
  { name: 'clock', ready: true, unknown: true },
  { name: 'national_link', ready: true },
  { name: 'evidence_compared', ready: true, unknown: true },
];

const none: SourceCounts = { total: 0, receiving: 0, thin: 0, silent: 0, skewed: 0, garbled: 0, never: 0 };

/** Sources of a state: none at all; one that has not sent yet; one that stopped three hours ago, with figures of the last look. */
function sourcesOf(state: State): { items: SourceItem[]; counts: SourcesStatus } {
  if (state === 'empty' || state === 'store') return { items: [], counts: { ...none, state: 'unknown', samples: none } };
  const stopped = state === 'stopped';
  const source: SourceItem = {
    id: 'NG-0001',
    name: 'fw-bien-01',
    kind: 'syslog',
    system: { id: 'HT-001', name: 'Cổng dịch vụ công', level: 3 },
    layers: ['network'],
    state: stopped ? 'silent' : 'never',
    rate: 0,
    usual: 0,
    unparsed: 0,
    total: stopped ? 41_200 : 0,
    version: 1,
    ...(stopped ? { since: iso(now - 3 * HOUR), first_event: iso(now - 30 * HOUR), last_event: iso(now - 3 * HOUR) } : {}),
  };
  return {
    items: [source],
    counts: {
      ...none,
      total: 1,
      silent: stopped ? 1 : 0,
      never: stopped ? 0 : 1,
      state: stopped ? 'bad' : 'unknown',
      samples: none,
      ...(stopped ? { oldest: { id: 'NG-0001', name: 'fw-bien-01', since: iso(now - 3 * HOUR) } } : {}),
    },
  };
}

const zero = (minute: number): LedgerItem => ({
  minute: iso(minute),
  source: { id: '', name: '' },
  received: 0,
  stored: 0,
  quarantined: 0,
  rejected: 0,
  duplicate: 0,
  dropped: 0,
  in_flight: 0,
  difference: 0,
  checked: false,
});

/** Nothing ran or was checked in the last hour (or ever): the status says so, and how many minutes. */
function ledgerOf(state: State): { status: LedgerStatus; answer: LedgerAnswer } {
  const minutes = state === 'empty' ? 0 : 60;
  const status: LedgerStatus = { state: 'unknown', difference: 0, not_measured: state === 'empty' ? 1440 : 1380 };
  const map = Array.from(
    { length: 60 },
    (_, i): LedgerCell => ({ minute: iso(now - i * MIN), difference: 0, state: 'not_measured' }),
  );
  return {
    status,
    answer: {
      items: minutes === 0 ? [] : [zero(now), zero(now - MIN)],
      map: minutes === 0 ? [] : map,
      status,
      sum: zero(now),
      not_measured: status.not_measured,
      ...(minutes === 0 ? {} : { kept_since: iso(now - HOUR) }),
      ...frame(minutes === 0 ? 0 : 2),
    },
  };
}

function statusOf(state: State): Status {
  return {
    alerts: { new: 0, mine: 0, high: 0, personal: 0, open: 0 },
    clock: { state: 'unknown', now: iso(now) },
    disk: { state: 'unknown', free_bytes: 0, total_bytes: 0 },
    events: { per_second: 0, total: 0 },
    ledger: ledgerOf(state).status,
    national: { state: 'unknown', waiting: 0, refused: 0 },
    sources: sourcesOf(state).counts,
    parts: [],
    as_of: iso(now),
    stale_after: iso(now + HOUR),
  };
}

function overviewOf(state: State): Overview {
  const hour = Math.floor(now / HOUR) * HOUR;
  const { not_measured } = ledgerOf(state).status;
  return {
    cards: ['alerts', 'sources', 'national', 'hours', 'next', 'systems', 'ledger', 'health'],
    shift: { kind: 'day', from: iso(now - HOUR), to: iso(now + HOUR) },
    alerts: {
      new: 0,
      mine: 0,
      high: 0,
      personal: 0,
      open: 0,
      today: 0,
      closed_today: 0,
      intake: state === 'stopped' ? 'received' : 'nothing',
    },
    hours: {
      from: iso(hour - 23 * HOUR),
      to: iso(hour + HOUR),
      buckets: Array.from({ length: 24 }, (_, i) => ({ start: iso(hour - (23 - i) * HOUR), counts: {}, unknown: true })),
    },
    next: [],
    systems:
      state === 'empty'
        ? { total: 0, placements: [] }
        : {
            total: 1,
            placements: [
              {
                placement: 'data_centre',
                counts: {},
                tiles: [{ id: 'HT-001', name: 'Cổng dịch vụ công', level: 3, state: 'unknown' }],
              },
            ],
          },
    sources: sourcesOf(state).counts,
    ledger: { state: 'unknown', difference: 0, not_measured, ...(state === 'empty' ? {} : { row: zero(now) }) },
    national: { state: 'unknown', waiting: 0, refused: 0 },
    health: { started: iso(now - HOUR), parts, disk: { state: 'unknown', free_bytes: 0, total_bytes: 0 } },
    as_of: iso(now),
    stale_after: iso(now + HOUR),
  };
}

const layers = (ids: SystemItem['layers'][number]['id'][]): SystemItem['layers'] =>
  ids.map((id) => ({
    id,
    title: { vi: id, en: id },
    full: { vi: id, en: id },
    score: 0,
    state: 'unknown',
    because: [{ code: 'no_data', text: { vi: 'chưa có nguồn nào gửi dữ liệu', en: 'no source sends data yet' } }],
    fix: [],
  }));

const system: SystemItem = {
  id: 'HT-001',
  name: 'Cổng dịch vụ công',
  level: 3,
  basis: 'tcvn11930',
  placement: 'data_centre',
  state: 'unknown',
  controls: { met: 0, not_met: 0, unknown: 1, not_applicable: 0 },
  layers: layers(['onsite', 'monitoring', 'assessment', 'national']),
  technical: layers(['network', 'application', 'database', 'endpoint']),
  version: 1,
};

const posture: PostureAnswer = {
  system: { id: 'HT-001', name: 'Cổng dịch vụ công', level: 3 },
  at: iso(now),
  past: false,
  basis: 'tcvn11930',
  counts: { met: 0, not_met: 0, unknown: 1, not_applicable: 0 },
  groups: [
    {
      id: 'net',
      title: { vi: 'Mạng', en: 'Network' },
      counts: { met: 0, not_met: 0, unknown: 1, not_applicable: 0 },
      items: ['L3-NET-01'],
    },
  ],
  findings: [
    {
      control: 'L3-NET-01',
      title: { vi: 'Thiết kế vùng mạng', en: 'Network zones' },
      group: 'net',
      state: 'unknown',
      mode: 'auto',
      because: [
        {
          code: 'failed',
          text: { vi: 'không đọc được danh mục: hết giờ chờ', en: 'the inventory could not be read: timed out' },
        },
      ],
      evidence: [],
      fix: [],
    },
  ],
  layers: system.layers,
  technical: system.technical,
  ...frame(1),
};

const day: NationalDay = { day: '2026-11-30', made: 0, accepted: 0, refused: 0, waiting: 0, state: 'unknown' };

/** The body of an answer; undefined: no such path in this state. */
export function answer(state: State, path: string): unknown {
  const { items, counts } = sourcesOf(state);
  const list = { items: [], ...frame(0) };
  const is: Record<string, unknown> = {
    '/api/me': me,
    '/api/site': me.site,
    '/api/status': statusOf(state),
    '/api/overview': overviewOf(state),
    '/api/alerts': { ...list, views: {}, hidden: 0, today: { made: 0, closed: 0 } } satisfies AlertsAnswer,
    '/api/events': {
      ...frame(0),
      events: [],
      query: '*',
      scanned: 0,
      took_ms: 0,
      histogram: { interval_ms: HOUR, buckets: [], gaps: [{ from: iso(now - 24 * HOUR), to: iso(now) }] },
      ...(items[0] ? { missing_sources: [{ id: items[0].id, name: items[0].name }] } : {}),
      partial: ['không đọc được một phần kho: hết giờ chờ'],
    } satisfies EventsAnswer,
    '/api/events/fields': { ...list, sampled: 0 } satisfies FieldsAnswer,
    '/api/systems': {
      items: state === 'empty' ? [] : [system],
      sum: { met: 0, not_met: 0, unknown: state === 'empty' ? 0 : 1, not_applicable: 0 },
      views: {},
      ...frame(state === 'empty' ? 0 : 1),
    } satisfies SystemsAnswer,
    '/api/sources': { items, counts, ...frame(items.length) } satisfies SourcesAnswer,
    '/api/sensors': {
      items:
        state === 'empty'
          ? []
          : [
              {
                id: 'CB1',
                name: 'cb-01',
                state: 'withdrawn',
                probes: [{ name: 'packet', state: 'unknown' }],
                seen: iso(now - HOUR),
              },
            ],
      ...frame(state === 'empty' ? 0 : 1),
    } satisfies PageSensorItem,
    '/api/ledger': ledgerOf(state).answer,
    '/api/quarantine': { ...list, reasons: {} } satisfies QuarantineAnswer,
    '/api/rules': { ...list, running: 0, refused: 0, unfed: 0, fed: 0, untold: 0 } satisfies RulesAnswer,
    '/api/national': {
      state: 'unknown',
      waiting: 0,
      refused: 0,
      heartbeat_seconds: 300,
      reconciles: true,
      destinations: [],
      today: day,
      days: [day],
      as_of: iso(now),
      stale_after: iso(now + HOUR),
    } satisfies NationalSummary,
    '/api/audit': list satisfies AuditAnswer,
  };
  if (items[0])
    is['/api/sources/NG-0001'] = {
      ...items[0],
      claims: [],
      controls: [],
      deeds: [],
      keys: [],
      minutes: Array.from({ length: 144 }, (_, i) => ({ start: iso(now - (144 - i) * 10 * MIN), received: 0, known: false })),
    } satisfies SourceDetail;
  if (state !== 'empty') {
    is['/api/systems/HT-001'] = { ...system, assets: [], sources: items, deeds: [] } satisfies SystemDetail;
    is['/api/systems/HT-001/posture'] = posture;
  }
  for (const p of [
    'accounts',
    'units',
    'tokens',
    'sessions',
    'people',
    'searches',
    'controls',
    'national/outbox',
    'systems/HT-001/posture/changes',
  ])
    is[`/api/${p}`] = list;
  return is[path];
}
