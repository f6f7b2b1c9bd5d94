import { useTranslation } from 'react-i18next';
import type { Event } from '../api/client';
import { Evidence } from '../evidence/Evidence';
import { spoken } from '../evidence/escape';

/** One line that tells what the event is about, from the fields people look at first. */
export function summaryOf(e: Event): string {
  const g = (k: string) => {
    const v = e[k];
    return v === undefined || v === null || v === '' ? undefined : Array.isArray(v) ? v.join(', ') : String(v);
  };
  const command = g('process.command_line') ?? (g('process.parent.name') ? g('process.name') : undefined);
  if (command) return [g('process.parent.name'), command].filter(Boolean).join(' → ');
  const query = g('dns.question.name');
  if (query) return `${g('source.ip') ?? ''} → ${query}`.trim();
  const url = g('url.original') ?? g('url.path');
  if (url) return [g('source.ip'), g('http.request.method'), url, g('http.response.status_code')].filter(Boolean).join(' ');
  const message = g('message');
  if (message) return message;
  const flow = [
    [g('source.ip'), g('source.port')].filter(Boolean).join(':'),
    [g('destination.ip'), g('destination.port')].filter(Boolean).join(':'),
  ]
    .filter(Boolean)
    .join(' → ');
  const what = [g('event.action'), g('event.outcome'), g('user.name')].filter(Boolean).join(' ');
  return (
    [what, flow, flow ? (g('network.protocol') ?? g('network.transport')) : '', g('process.name')].filter(Boolean).join(' · ') ||
    // the raw line only where no field tells more
    (g('event.original') ?? g('host.name') ?? g('event.id') ?? '')
  );
}

/** All fields of an event; onPick offers a filter on a value. */
export function EventFields({ event, onPick }: { event: Event; onPick?: (field: string, value: string, not: boolean) => void }) {
  const { t } = useTranslation();
  const names = Object.keys(event).sort(
    (a, b) =>
      (a === 'message' || a === 'event.original' ? 1 : 0) - (b === 'message' || b === 'event.original' ? 1 : 0) ||
      a.localeCompare(b),
  );
  return (
    <dl className="event-fields">
      {names.map((k) => {
        const v = event[k];
        const text = Array.isArray(v) ? v.join(', ') : typeof v === 'object' && v !== null ? JSON.stringify(v) : String(v);
        return (
          <div key={k}>
            <dt>
              <Evidence value={k} />
            </dt>
            <dd>
              <Evidence
                value={text}
                mode="detail"
                name={/(?:host\.name|domain|user\.name|file\.name|dns\.question\.name)$/.test(k)}
              />
              {onPick && text.length < 400 && (
                <span className="pick">
                  <button
                    type="button"
                    className="link"
                    onClick={() => onPick(k, text, false)}
                    aria-label={`${t('search.only')} ${spoken(k)}`}
                  >
                    {t('search.only')}
                  </button>
                  <button
                    type="button"
                    className="link"
                    onClick={() => onPick(k, text, true)}
                    aria-label={`${t('search.without')} ${spoken(k)}`}
                  >
                    {t('search.without')}
                  </button>
                </span>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
