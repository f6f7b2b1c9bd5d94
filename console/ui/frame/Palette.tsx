import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { client, take } from '../api/client';
import { Icon, type IconName } from '../design/icons';
import { problemText, Unread } from '../design/states';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { foreign, Words } from '../evidence/Said';
import { mayBeIdentifier } from '../format/identifier';
import { bare } from '../format/marks';
import { useRested } from '../live/clock';
import { searchLink } from '../search/stored';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { Overlay } from './Overlay';
import { pagesOf } from './pages';

interface Choice {
  key: string;
  icon: IconName;
  text: string;
  sub?: string;
  to: string;
  machine?: boolean;
}

const KEPT = 'hoalu.recent';

function recent(): Choice[] {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? '[]') as Choice[];
  } catch {
    return [];
  }
}

/** One field for pages, numbers, systems, alerts, rules; an address or hash offers a search. */
export function Palette({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [composing, setComposing] = useState(false);
  const [at, setAt] = useState(0);
  const text = useRested(composing ? '' : typed.trim(), 120);
  const may = useCallback((p: string) => pageRight(me, p) !== undefined, [me]);
  // a citizen's number goes to the search only, by a request whose address does not hold it
  const secret = mayBeIdentifier(typed);
  const ask = text.length >= 2 && !secret && !mayBeIdentifier(text);
  const alerts = useQuery({
    queryKey: ['palette', 'alerts', text],
    queryFn: () => take(client.GET('/api/alerts', { params: { query: { q: text, view: 'all', limit: 6 } } })),
    enabled: ask && may('alerts'),
  });
  const systems = useQuery({
    queryKey: ['palette', 'systems', text],
    queryFn: () => take(client.GET('/api/systems', { params: { query: { q: text, limit: 6 } } })),
    enabled: ask && may('systems'),
  });
  const sources = useQuery({
    queryKey: ['palette', 'sources', text],
    queryFn: () => take(client.GET('/api/sources', { params: { query: { q: text, limit: 4 } } })),
    enabled: ask && may('sources'),
  });
  const rules = useQuery({
    queryKey: ['palette', 'rules', text],
    queryFn: () => take(client.GET('/api/rules', { params: { query: { q: text, limit: 4 } } })),
    enabled: ask && may('rules'),
  });

  const searched = Object.entries({ systems, alerts, sources, rules });

  const choices = useMemo(() => {
    const out: Choice[] = [];
    const q = bare(typed.trim());
    const number = /^(CB|HT|NG)-[\d-]+$/i.exec(typed.trim());
    if (number) {
      const id = typed.trim().toUpperCase();
      const kind = number[1]?.toUpperCase();
      if (kind === 'CB' && may('alerts')) out.push({ key: id, icon: 'bell', text: id, to: `/alerts/${id}` });
      if (kind === 'HT' && may('systems')) out.push({ key: id, icon: 'server', text: id, to: `/systems/${id}` });
      if (kind === 'NG' && may('sources')) out.push({ key: id, icon: 'source', text: id, to: `/sources?sel=${id}` });
    }
    if (!q) out.push(...recent());
    for (const g of pagesOf(me))
      for (const p of g.pages) {
        const word = t(`page.${p.id}`);
        if (!q || bare(word).includes(q))
          out.push({ key: `page-${p.id}`, icon: p.icon, text: word, sub: `g ${p.key}`, to: p.path });
      }
    for (const s of systems.data?.items ?? [])
      out.push({ key: s.id, icon: 'server', text: s.name, sub: s.id, to: `/systems/${s.id}` });
    for (const a of alerts.data?.items ?? [])
      out.push({
        key: a.id,
        icon: 'bell',
        text: a.title[lang] ?? a.title.vi ?? a.title.en ?? '',
        sub: a.number,
        to: `/alerts/${a.number}`,
        machine: foreign(a.title),
      });
    for (const s of sources.data?.items ?? [])
      out.push({ key: s.id, icon: 'source', text: s.name, sub: s.id, to: `/sources?sel=${s.id}`, machine: true });
    for (const r of rules.data?.items ?? [])
      out.push({
        key: r.id,
        icon: 'rules',
        text: r.title[lang] ?? r.title.vi ?? r.title.en ?? r.id,
        to: `/rules/${encodeURIComponent(r.id)}`,
        machine: foreign(r.title),
      });
    if (q && may('search') && !number)
      out.push({
        key: 'search',
        icon: 'search',
        text: t('palette.search'),
        sub: typed.trim(),
        to: '',
        machine: true,
      });
    return out.slice(0, 24);
  }, [typed, systems.data, alerts.data, sources.data, rules.data, lang, t, me, may]);

  const go = (c: Choice | undefined) => {
    if (!c) return;
    if (c.key !== 'search')
      sessionStorage.setItem(
        KEPT,
        JSON.stringify([c, ...recent().filter((r) => r.key !== c.key && !r.key.startsWith('page-'))].slice(0, 10)),
      );
    if (c.key === 'search') {
      searchLink(typed.trim()).then(
        (to) => {
          onClose();
          navigate(to);
        },
        (e: unknown) => toast({ kind: 'error', text: problemText(e, t('search.notKept')) }),
      );
      return;
    }
    onClose();
    navigate(c.to);
  };

  return (
    <Overlay title={t('frame.command')} onClose={onClose} top bare width={600}>
      <input
        className="palette-field"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={choices[at] ? `palette-${at}` : undefined}
        aria-label={t('frame.command')}
        placeholder={t('palette.placeholder')}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onCompositionStart={() => setComposing(true)}
        onCompositionEnd={() => setComposing(false)}
        onChange={(e) => {
          setTyped(e.target.value);
          setAt(0);
        }}
        onKeyDown={(e) => {
          if (e.nativeEvent.isComposing) return;
          if (e.key === 'ArrowDown') setAt(Math.min(choices.length - 1, at + 1));
          else if (e.key === 'ArrowUp') setAt(Math.max(0, at - 1));
          else if (e.key === 'Enter') go(choices[at]);
          else return;
          e.preventDefault();
        }}
      />
      <div id="palette-list" role="listbox" aria-label={t('palette.results')} className="palette-list">
        {choices.map((c, i) => (
          <div
            key={`${c.key}-${i}`}
            id={`palette-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            className="palette-row"
            onMouseMove={() => setAt(i)}
            onClick={() => go(c)}
            onKeyDown={() => undefined}
          >
            <Icon name={c.icon} />
            <span className="cut">
              {c.key === 'search' ? (
                c.text
              ) : c.machine ? (
                <Evidence value={c.text} className="ev-said" />
              ) : (
                <Words text={c.text} />
              )}
            </span>
            {c.sub &&
              (c.machine && c.key === 'search' ? (
                <Evidence value={c.sub} className="muted" />
              ) : (
                <span className="num muted">{c.sub}</span>
              ))}
          </div>
        ))}
        {choices.length === 0 && searched.every(([, q]) => !q.isError && !q.isLoading) && (
          <div className="state">{t('palette.none')}</div>
        )}
      </div>
      {searched.map(([what, q]) => (
        <Unread key={what} list={q} what={what} />
      ))}
    </Overlay>
  );
}
