import { describe, expect, it } from 'vitest';
import { mayBeIdentifier } from './identifier';

describe('a text that may be a citizen’s number', () => {
  it.each([
    '037095001234',
    'cccd 037095001234',
    '037 095 001 234',
    '037.095.001.234',
    '037-095-001-234',
    '037_095/001,234',
    '037\u00a0095\u2009001\u200b234',
    '０３７０９５００１２３４', // full width
    '٠٣٧٠٩٥٠٠١٢٣٤', // Arabic digits
    'user.name:037095001234',
    '"+84 912 345 678"',
    '0912345678',
    'CB-2026-000011 037095001234',
  ])('%s', (text) => expect(mayBeIdentifier(text)).toBe(true));

  it.each([
    '',
    'sở y tế',
    'CB-2026-000011',
    'NG-0012',
    '203.113.131.100',
    '203.113.131.100:65535 10.0.0.255',
    '2026-11-30T09:40:16.123+07:00',
    'b9c3b1aa-1234-4567-8901-123456789012',
    'd41d8cd98f00b204e9800998ecf8427e',
    'event.code:4625 and source.port:51234',
  ])('%s is none', (text) => expect(mayBeIdentifier(text)).toBe(false));
});
