/**
 * Text that may be a citizen's number: a citizen card (12 digits), an old card (9), a telephone number (10), a health insurance or tax
 * number. It must not stand in an address: those are kept by browsers, proxies and logs. The appliance decides what it really is;
 * here it is enough to doubt, since a doubted text only takes the way that no address records.
 */
const LEAST = 9;
// what has as many digits and is nobody's number: addresses, times, the product's own numbers, hashes and other machine names
const known = [
  /\b(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?::\d{1,5})?(?![\d.])/g,
  /\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?/g,
  /\b(?:CB|HT|NG|TS|DV)-[\d-]+/gi,
  /\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/gi,
  /\b(?=[\da-f]*[a-f])[\da-f]{32,}\b/gi,
];

export function mayBeIdentifier(text: string): boolean {
  let rest = text.normalize('NFKC');
  for (const k of known) rest = rest.replace(k, ' x ');
  // digits of any script; what people and files put between the groups of a number does not divide it
  let run = 0;
  for (const c of rest) {
    if (/\p{Nd}/u.test(c)) {
      if (++run >= LEAST) return true;
    } else if (!/[\s.\-_/,:()+\u2010-\u2015]|\p{Cf}/u.test(c)) run = 0;
  }
  return false;
}
