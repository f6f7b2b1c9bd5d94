import { describe, expect, it } from 'vitest';
import type { Event } from '../api/client';
import { summaryOf } from './EventFields';

describe('the line that tells what an event is about', () => {
  it('of a firewall is its flow, not the raw line', () => {
    const e = {
      'event.original': '<189>date=2026-11-30 devname="fw-01" logid="0000000013" srcip=10.1.2.3 dstip=203.0.113.9',
      'source.ip': '10.1.2.3',
      'source.port': 51234,
      'destination.ip': '203.0.113.9',
      'destination.port': 443,
      'event.action': 'accept',
      'network.transport': 'tcp',
    } as unknown as Event;
    expect(summaryOf(e)).toBe('accept · 10.1.2.3:51234 → 203.0.113.9:443 · tcp');
  });
  it('is the raw line only where no field tells more', () => {
    expect(summaryOf({ 'event.original': 'lp0 on fire', 'host.name': 'h1' } as unknown as Event)).toBe('lp0 on fire');
    expect(summaryOf({ message: 'sẵn sàng', 'event.original': 'raw' } as unknown as Event)).toBe('sẵn sàng');
  });
});
