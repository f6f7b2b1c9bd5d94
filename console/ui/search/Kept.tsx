import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, ProblemError, take } from '../api/client';
import { Unread } from '../design/states';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { useView } from '../frame/url';

export function Kept({ query, onRun }: { query: string; onRun: (q: string) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const list = useQuery({
    queryKey: ['searches'],
    queryFn: () => take(client.GET('/api/searches')),
    enabled: open,
    retry: false,
  });
  const [, change] = useView();
  const save = async () => {
    try {
      await take(client.POST('/api/searches', { body: { query, name: name.trim() } }));
      setName('');
      queries.invalidateQueries({ queryKey: ['searches'] });
      toast({ text: t('search.kept') });
    } catch (e) {
      toast({ kind: 'error', text: e instanceof ProblemError ? (e.problem.detail ?? t('search.notKept')) : t('search.notKept') });
    }
  };
  return (
    <details className="kept" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary className="top-button">{t('search.saved')}</summary>
      <div className="kept-in">
        <form
          className="row"
          onSubmit={(e) => {
            e.preventDefault();
            if (name.trim() && query.trim()) save();
          }}
        >
          <input
            className="fields-filter"
            aria-label={t('search.saveAs')}
            placeholder={t('search.saveAs')}
            value={name}
            onChange={(e) => setName(e.target.value)}
            maxLength={120}
          />
          <Button size="small" htmlType="submit" disabled={!name.trim() || !query.trim()}>
            {t('act.save')}
          </Button>
        </form>
        <ul>
          {(list.data?.items ?? []).map((s) => (
            <li key={s.sq}>
              <button
                type="button"
                className="link cut"
                onClick={() => {
                  setOpen(false);
                  if (s.identifiers.length > 0) change({ q: undefined, sq: s.sq }, true);
                  else onRun(s.query);
                }}
              >
                {s.name}
              </button>
              <Evidence value={s.query} className="muted block cut" />
            </li>
          ))}
        </ul>
        <Unread list={list} what="searches" />
        {list.data && list.data.items.length === 0 && <p className="muted small">{t('search.noSaved')}</p>}
      </div>
    </details>
  );
}
