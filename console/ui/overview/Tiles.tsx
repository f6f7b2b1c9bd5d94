import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { OverviewSystems } from '../api/client';
import { PostureSign } from '../design/signs';
import { Empty } from '../design/states';
import { pageRight, useMe } from '../session/session';

/** Every system as a tile, by where it stands. */
export function Tiles({ systems }: { systems: OverviewSystems }) {
  const { t } = useTranslation();
  const me = useMe();
  const may = pageRight(me, 'systems') !== undefined;
  if (systems.total === 0)
    return (
      <>
        <h2 id="ov-systems">{t('overview.systems0')}</h2>
        <Empty actions={may && <Link to="/systems">{t('page.systems')}</Link>}>{t('systems.empty')}</Empty>
      </>
    );
  return (
    <>
      <div className="card-head">
        <h2 id="ov-systems">{t('overview.systems', { count: systems.total })}</h2>
        <span className="legend">
          {(['met', 'not_met', 'unknown'] as const)
            .filter((p) => systems.placements.some((x) => x.tiles.some((s) => s.state === p)))
            .map((p) => (
              <PostureSign key={p} state={p} size={12} />
            ))}
        </span>
      </div>
      {systems.placements
        .filter((p) => p.tiles.length > 0)
        .map((p) => (
          <div key={p.placement} className="placement">
            <h3 className="muted">
              {t(`placement.${p.placement || 'none'}`)} · <span className="num">{p.tiles.length}</span>
            </h3>
            <ul className="tiles">
              {p.tiles.map((s) => {
                const name = `${s.name}: ${t(`posture.${s.state}`)}, ${t('level', { n: s.level })}`;
                const inner = (
                  <>
                    <PostureSign state={s.state} word="none" size={13} />
                    <span>{s.level || '–'}</span>
                  </>
                );
                return (
                  <li key={s.id}>
                    {may ? (
                      <Link to={`/systems/${s.id}`} className="tile" aria-label={name} title={name}>
                        {inner}
                      </Link>
                    ) : (
                      <span className="tile" title={name}>
                        {inner}
                        <span className="sr">{name}</span>
                      </span>
                    )}
                  </li>
                );
              })}
            </ul>
          </div>
        ))}
    </>
  );
}
