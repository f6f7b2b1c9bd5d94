/** A system as people call it; what belongs to none says so. */
export function systemName(s: { id: string; name: string }, t: (k: string) => string): string {
  return s.id === '_unassigned' ? t('systems.unassigned') : s.name || s.id;
}
