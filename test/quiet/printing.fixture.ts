import { afterAll, expect, jest, test } from '@jest/globals';

/** Run only by quiet.test.ts. The title of each test names how it prints. */
afterAll(() => console.error('printed by afterAll'));

test('console.warn', () => console.warn('printed by %s', 'a test'));

test('console.info, after an await', async () => {
  await new Promise((resolve) => setImmediate(resolve));
  console.info('printed after an await');
});

test('process.emitWarning', () => process.emitWarning('a warning of the process'));

test('nothing', () => undefined);

test('console.log', () => console.log('printed for debugging'));

test('an expected console.warn', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  console.warn('an expected warning');
  expect(warn).toHaveBeenCalledTimes(1);
});
