import { client, take } from '../api/client';
import { mayBeIdentifier } from '../format/identifier';

/** Longer ones are stored too: an address has its limits. */
const LONGEST = 300;

export const mustStore = (query: string): boolean => mayBeIdentifier(query) || query.length > LONGEST;

/** Stores a query at the server, by a request whose text no address holds, and gives its name; identifiers in it become tokens. */
export function stored(query: string) {
  return take(client.POST('/api/searches', { body: { query } }));
}

/** Where a search is opened: its text stands in the address only when it holds nobody's number. */
export async function searchLink(query: string): Promise<string> {
  return mustStore(query)
    ? `/search?sq=${encodeURIComponent((await stored(query)).sq)}`
    : `/search?q=${encodeURIComponent(query)}`;
}

/** Does the text of a stored query hold a token, "tk:" and 25 letters, in the place of a citizen's number? */
export const tokenised = (query: string): boolean => /\btk:[a-z][a-z2-7]{24}/i.test(query);
