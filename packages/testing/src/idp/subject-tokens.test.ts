import { fromIdToken, fromRefreshToken, fromWorkloadToken, noClientAuth, ownToken } from '@credence/core';
import { describe, expect, it } from '@jest/globals';
import { botWith, callTool, ISSUES, refusal, withoutNetwork, world } from '../../test-support/bots.ts';
import type { FakeCaller } from '../settings/options.ts';

withoutNetwork();

describe('the tokens of users and workloads', () => {
  it('are exchanged: a refresh token, and a token of the platform', async () => {
    const idp = world();
    const options = idp.options('reporting-bot');
    const refreshToken = idp.refreshToken({ subject: 'ada', principal: 'reporting-bot' });
    const sources = [
      fromRefreshToken(() => refreshToken),
      fromWorkloadToken(async () => idp.workloadToken({ principal: 'reporting-bot' })),
    ];
    for (const subject of sources) {
      const bot = botWith({ ...options, idp: options.idp && { ...options.idp, subject } });
      await expect(callTool(bot, 'list_issues')).resolves.toHaveProperty('result');
    }
    idp.expectRequests({ authenticate: 0, exchange: 2, redeem: 2 });
  });

  it('are redeemed without the IdP: a token of the platform for this server, and for no other', async () => {
    const idp = world({ servers: { ...ISSUES, database: {} } });
    const withTokenFor = (server: string) => {
      const assertion = fromWorkloadToken(async () => idp.workloadToken({ principal: 'reporting-bot', server }));
      const change = {
        flow: 'workload-identity',
        assertion,
        credential: noClientAuth({ clientId: 'reporting-bot' }),
      } as const;
      const { servers, ...rest } = idp.options('reporting-bot', { issues: change });
      return botWith({ ...rest, servers });
    };
    await expect(callTool(withTokenFor('issues'), 'list_issues')).resolves.toHaveProperty('result');
    idp.expectRequests({ authenticate: 0, exchange: 0, redeem: 1 });
    await expect(refusal(withTokenFor('database').token('issues'))).resolves.toMatchObject({
      code: 'invalid_grant',
      leg: 'redeem',
    });
  });

  it('are not accepted from another fake', async () => {
    const [idp, stranger] = [world(), world()];
    const options = idp.options('reporting-bot');
    for (const getter of [
      async () => stranger.idToken({ subject: 'ada', principal: 'reporting-bot' }),
      async () => 'no token',
    ]) {
      const bot = botWith({ ...options, idp: options.idp && { ...options.idp, subject: fromIdToken(getter) } });
      await expect(refusal(bot.token('issues'))).resolves.toMatchObject({ leg: 'exchange', code: 'invalid_grant' });
    }
  });

  it('give the caller of a tool its subject and its actor', async () => {
    const callers: FakeCaller[] = [];
    const tools = { list_issues: (_args: unknown, caller: FakeCaller) => callers.push(caller) };
    const idp = world({ servers: { issues: { tools } } });
    const options = idp.options('reporting-bot');
    const subject = fromIdToken(async () => idp.idToken({ subject: 'ada', principal: 'reporting-bot' }));
    const bot = botWith({ ...options, idp: options.idp && { ...options.idp, subject, actor: ownToken() } });
    await callTool(bot, 'list_issues');
    expect(callers).toEqual([
      { principal: 'reporting-bot', subject: 'ada', scopes: ['issues:use'], actor: { sub: 'reporting-bot' } },
    ]);
  });
});
