import { useTranslation } from 'react-i18next';
import type { ControlItem, PostureAnswer } from '../api/client';
import { PostureSign } from '../design/signs';
import { TableWrap } from '../design/TableWrap';
import { Exact } from '../design/Time';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';

export function ControlTable({
  p,
  controls,
  picked,
  onPick,
}: {
  p: PostureAnswer;
  controls: Map<string, ControlItem>;
  picked: string | undefined;
  onPick: (c: string) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <TableWrap label={t('systems.requirement')}>
      <table className="plain">
        <thead>
          <tr>
            <th>{t('column.state')}</th>
            <th>{t('systems.requirement')}</th>
            <th>{t('systems.basis')}</th>
            <th>{t('systems.since')}</th>
          </tr>
        </thead>
        <tbody>
          {p.findings.map((f) => (
            <tr key={f.control} aria-selected={f.control === picked}>
              <td>
                <PostureSign state={f.state} />
              </td>
              <td>
                <button type="button" className="link left" onClick={() => onPick(f.control)}>
                  {say(f.title, lang, t)}
                </button>{' '}
                <span className="num muted">{f.control}</span>
              </td>
              <td className="num">{controls.get(f.control)?.clauses[p.basis] ?? '–'}</td>
              <td>{f.since ? <Exact at={f.since} short /> : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}
