import { afterAll, expect, jest, test } from '@jest/globals';

/** Run by quiet.test.ts alone; the names say what each test prints. */
afterAll(() => console.error('said by afterAll'));

test('console.warn', () => console.warn('said by %s', 'a test'));

test('console.info, later', async () => {
  await new Promise((resolve) => setImmediate(resolve));
  console.info('said later');
});

test('process.emitWarning', () => process.emitWarning('said by the process'));

test('nothing', () => undefined);

test('console.log', () => console.log('said by whoever looks for a mistake'));

test('an expected console.warn', () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  console.warn('said and expected');
  expect(warn).toHaveBeenCalledTimes(1);
});
