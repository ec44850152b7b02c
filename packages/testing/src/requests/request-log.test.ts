import { AssertionError } from 'node:assert';
import { ServicePrincipal } from '@credence/core';
import { expect, it } from '@jest/globals';
import { fakeIdp } from '../fake-idp.ts';

const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

it('compares the requests since the last expectation, and lists them if they differ', async () => {
  const idp = fakeIdp({ principals: { bot: {} }, servers: { issues: {} } });
  const bot = new ServicePrincipal(idp.options('bot'));
  idp.expectNoMoreRequests();
  await bot.token('issues');
  const error = thrownBy(() => idp.expectRequests({ exchange: 2, redeem: 1 }));
  expect(error).toBeInstanceOf(AssertionError);
  expect(error).toHaveProperty('message', expect.stringContaining('exchange: expected 2, found 1'));
  expect(error).toHaveProperty(
    'message',
    expect.stringContaining('exchange: POST https://idp.example/token for issues by bot, answered 200'),
  );
  idp.expectRequests({ exchange: 0, redeem: 0 });
  await bot.token('issues');
  idp.expectNoMoreRequests();
  idp.revoke();
  await bot.diagnose('issues');
  expect(thrownBy(() => idp.expectNoMoreRequests())).toHaveProperty('message', expect.stringContaining('redeem: POST'));
  await bot.close();
});
