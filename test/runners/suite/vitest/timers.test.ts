import { ServicePrincipal } from '@credence/core';
import { fakeIdp } from '@credence/testing';
import { expect, test, vi } from 'vitest';

test('fake timers make tokens expire', async () => {
  vi.useFakeTimers();
  const idp = fakeIdp({ principals: { bot: {} }, servers: { issues: {} } });
  const bot = new ServicePrincipal(idp.options('bot'));
  const first = await bot.token('issues');
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect((await bot.token('issues')).value).not.toBe(first.value);
  await bot.close();
  vi.useRealTimers();
});
