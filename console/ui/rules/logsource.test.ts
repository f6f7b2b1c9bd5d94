import { expect, it } from 'vitest';
import { logsourceOf } from './logsource';

it('a log source is told from the wide to the narrow in every row', () => {
  expect(logsourceOf({ category: 'process_creation', product: 'windows' })).toBe('windows / process_creation');
  expect(logsourceOf({ service: 'sshd', product: 'linux' })).toBe('linux / sshd');
  expect(logsourceOf({ definition: 'x', service: 'auth' })).toBe('auth / x');
  expect(logsourceOf(undefined)).toBe('–');
});
