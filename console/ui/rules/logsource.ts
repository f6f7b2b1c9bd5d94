const parts = ['product', 'category', 'service'];

/** The log source of a rule from the wide to the narrow, whatever order it came in; other keys of its author behind. */
export function logsourceOf(source: Record<string, string> | undefined): string {
  const at = (k: string) => (parts.includes(k) ? parts.indexOf(k) : parts.length);
  const keys = Object.keys(source ?? {}).sort((a, b) => at(a) - at(b) || (a < b ? -1 : 1));
  return keys.map((k) => source?.[k]).join(' / ') || '–';
}
