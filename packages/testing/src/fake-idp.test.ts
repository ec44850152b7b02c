import { fromIdToken, generateDpopKeyPair } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter';
import { connectMcp as connectMcpV2 } from '@credence/sdk-adapter/v2';
import { describe, expect, it, jest } from '@jest/globals';
import { botWith, callTool, ISSUES, refusal, withoutNetwork, world } from '../test-support/bots.ts';

withoutNetwork();

describe('fakeIdp', () => {
  it.each([
    ['v1', connectMcp],
    ['v2', connectMcpV2],
  ] as const)('serves tools to a client of the MCP SDK %s', async (_version, connect) => {
    const idp = world();
    const client = await connect(botWith(idp.options('reporting-bot')), 'issues');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['list_issues', 'create_issue', 'broken']);
    await expect(client.callTool({ name: 'list_issues', arguments: { status: 'open' } })).resolves.toMatchObject({
      content: [{ type: 'text', text: 'open issues of reporting-bot' }],
    });
    await expect(client.callTool({ name: 'broken', arguments: {} })).resolves.toMatchObject({
      isError: true,
      content: [{ text: 'the database is away' }],
    });
    await client.close();
  });

  it.each([
    ['v1', connectMcp],
    ['v2', connectMcpV2],
  ] as const)('has no SSE transport, and the error of the SDK %s says so', async (_version, connect) => {
    const bot = botWith(world().options('reporting-bot'));
    await expect(connect(bot, 'issues', { transport: 'sse' })).rejects.toMatchObject({
      code: 'invalid_response',
      status: 405,
      remedy: expect.stringContaining("Leave out transport: 'sse'"),
    });
  });

  it('answers each leg once for a first call, and records it without secrets', async () => {
    const idp = world();
    const options = idp.options('reporting-bot');
    await callTool(botWith(options), 'list_issues');
    expect(idp.requests.map(({ leg, server, status }) => [leg, server, status])).toEqual([
      ['discover', 'issues', 200],
      ['discover', 'issues', 200],
      ['discover', undefined, 200],
      ['authenticate', undefined, 200],
      ['exchange', 'issues', 200],
      ['redeem', 'issues', 200],
      ['call', 'issues', 200],
    ]);
    const [call] = idp.requestsOf('call');
    expect(call).toEqual({
      leg: 'call',
      method: 'POST',
      url: 'https://issues.mcp.example/mcp',
      server: 'issues',
      principal: 'reporting-bot',
      parameters: { method: 'tools/call', tool: 'list_issues', arguments: { status: 'open' } },
      status: 200,
    });
    expect(idp.requestsOf('exchange')[0]?.parameters).toMatchObject({ audience: 'https://issues.as.example' });
    expect(JSON.stringify(idp.requests)).not.toMatch(/eyJ|assertion":|secret|subject_token"/u);
  });

  it('refuses a token that was revoked, and grants a new one', async () => {
    const idp = world();
    const bot = botWith(idp.options('reporting-bot'));
    await callTool(bot, 'list_issues');
    idp.expectRequests({ exchange: 1, redeem: 1, call: 1 });
    expect(idp.revoke('issues')).toBe(1);
    expect(idp.revoke('issues')).toBe(0);
    await callTool(bot, 'list_issues');
    expect(idp.requestsOf('call').map(({ status }) => status)).toEqual([200, 401, 200]);
    idp.expectRequests({ exchange: 0, redeem: 1, call: 2 });
    idp.expectNoMoreRequests();
  });

  it('revokes the tokens of one principal and not those of another', async () => {
    const idp = world({ principals: { one: {}, two: {} } });
    const [one, two] = [botWith(idp.options('one')), botWith(idp.options('two'))];
    await Promise.all([callTool(one, 'list_issues'), callTool(two, 'list_issues')]);
    expect(idp.revoke('issues', { principal: 'one' })).toBe(1);
    await callTool(two, 'list_issues');
    expect(idp.requestsOf('call', { principal: 'two' }).map(({ status }) => status)).toEqual([200, 200]);
    await expect(callTool(one, 'list_issues')).resolves.toMatchObject({
      result: { content: [{ text: 'open issues of one' }] },
    });
  });

  it('revokes each token after a number of tool calls', async () => {
    const idp = world({ revoke: { issues: { afterCalls: 2 } } });
    const bot = botWith(idp.options('reporting-bot'));
    for (let at = 0; at < 5; at += 1) await callTool(bot, 'list_issues');
    expect(idp.requestsOf('call').map(({ status }) => status)).toEqual([200, 200, 401, 200, 200, 401, 200]);
  });

  it('passes time until every token has expired', async () => {
    const idp = world({ expire: { accessTokenSeconds: 60, idJagSeconds: 90, subjectTokenSeconds: 600 } });
    const bot = botWith(idp.options('reporting-bot'));
    await callTool(bot, 'list_issues');
    idp.expectRequests({ authenticate: 1, exchange: 1, redeem: 1 });
    expect(idp.expire()).toBeGreaterThan(590_000);
    await callTool(bot, 'list_issues');
    idp.expectRequests({ authenticate: 1, exchange: 1, redeem: 1 });
    idp.clock.advance(61_000);
    await callTool(bot, 'list_issues');
    idp.expectRequests({ authenticate: 0, exchange: 0, redeem: 1 });
    expect(idp.requestsOf('call').every(({ status }) => status === 200)).toBe(true);
  });

  it('lets a principal with a clock of its own recover after all tokens have expired', async () => {
    const idp = world();
    const { clock: _clock, ...options } = idp.options('reporting-bot');
    const bot = botWith(options);
    await callTool(bot, 'list_issues');
    idp.expire();
    await expect(callTool(bot, 'list_issues')).resolves.toHaveProperty('result');
    expect(idp.requestsOf('call').map(({ status }) => status)).toEqual([200, 401, 200]);
  });

  it.each<[string, () => unknown]>([
    ['advanceTimersByTime', () => jest.advanceTimersByTime(7_200_000)],
    ['advanceTimersByTimeAsync', async () => jest.advanceTimersByTimeAsync(7_200_000)],
    ['setSystemTime', () => jest.setSystemTime(new Date('2030-01-01T02:00:00Z'))],
  ])('follows the fake timers of jest after %s', async (_method, pass) => {
    jest.useFakeTimers({ now: new Date('2030-01-01T00:00:00Z') });
    try {
      const idp = world();
      const bot = botWith(idp.options('reporting-bot'));
      await callTool(bot, 'list_issues');
      await pass();
      await expect(callTool(bot, 'list_issues')).resolves.toHaveProperty('result');
      expect(idp.requestsOf('redeem').length).toBeGreaterThan(1);
      expect((await bot.token('issues')).expiresAt.getUTCFullYear()).toBe(2030);
    } finally {
      jest.useRealTimers();
    }
  });

  it('lets a token expire if only the date is set, also for a bot that never asks the server', async () => {
    jest.useFakeTimers({ now: new Date('2030-01-01T00:00:00Z') });
    try {
      const idp = world();
      const bot = botWith(idp.options('reporting-bot'));
      const first = await bot.token('issues');
      expect(await bot.token('issues')).toBe(first);
      jest.setSystemTime(new Date('2030-01-01T02:00:00Z'));
      expect((await bot.token('issues')).value).not.toBe(first.value);
      jest.setSystemTime(new Date('2029-01-01T02:00:00Z'));
      await expect(bot.token('issues')).resolves.toHaveProperty('value');
    } finally {
      jest.useRealTimers();
    }
  });

  it('accepts one refusal in place of a list', async () => {
    const idp = world({ refuse: { server: 'issues' } });
    await expect(botWith(idp.options('reporting-bot')).token('issues')).rejects.toMatchObject({
      code: 'access_denied',
    });
  });

  it('refuses a server without a grant, and grants only the scopes of the principal', async () => {
    const idp = world({
      principals: { 'reporting-bot': { grants: { issues: ['issues:read'] } } },
      servers: { ...ISSUES, database: {} },
    });
    const bot = botWith(idp.options('reporting-bot'));
    expect((await bot.token('issues')).scopes).toEqual(['issues:read']);
    await expect(refusal(bot.token('database'))).resolves.toMatchObject({
      code: 'access_denied',
      leg: 'exchange',
      contact: 'idp-admin',
    });
  });

  it('challenges a call whose token has too few scopes, so that the principal can step up', async () => {
    const idp = world();
    const changes = { issues: { scopes: ['issues:read'], stepUp: ['issues:write'] } };
    const bot = botWith(idp.options('reporting-bot', changes));
    await expect(callTool(bot, 'create_issue')).resolves.toMatchObject({
      result: { content: [{ text: '{"id":"H-1"}' }] },
    });
    expect(idp.requestsOf('call').map(({ status }) => status)).toEqual([403, 200]);
    const without = botWith(idp.options('reporting-bot', { issues: { scopes: ['issues:read'] } }));
    await expect(refusal(callTool(without, 'create_issue'))).resolves.toMatchObject({ code: 'insufficient_scope' });
  });

  it('binds tokens to a DPoP key, and refuses a proof of another key', async () => {
    const idp = world({ servers: { issues: { ...ISSUES['issues'], requireDpop: true } } });
    await expect(refusal(botWith(idp.options('reporting-bot')).token('issues'))).resolves.toMatchObject({
      leg: 'redeem',
    });
    const dpop = await generateDpopKeyPair();
    const bot = botWith(idp.options('reporting-bot', { issues: { dpop } }));
    await expect(callTool(bot, 'list_issues')).resolves.toHaveProperty('result');
    const { type, value } = await bot.token('issues');
    expect(type).toBe('DPoP');
    for (const scheme of ['DPoP', 'Bearer']) {
      const stolen = await idp.fetch(bot.server('issues').url, {
        method: 'POST',
        headers: { authorization: `${scheme} ${value}` },
        body: '{}',
      });
      expect(stolen.status).toBe(401);
    }
  });

  it('refuses a token of another server', async () => {
    const idp = world({ servers: { ...ISSUES, database: {} } });
    const bot = botWith(idp.options('reporting-bot'));
    const { value } = await bot.token('issues');
    const { status } = await idp.fetch('https://database.mcp.example/mcp', {
      method: 'POST',
      headers: { authorization: `Bearer ${value}` },
      body: '{}',
    });
    expect(status).toBe(401);
  });

  it('accepts an ID-JAG more than once, or once only', async () => {
    for (const singleUse of [false, true]) {
      const idp = world({ servers: { issues: { ...ISSUES['issues'], singleUse } } });
      const bot = botWith(idp.options('reporting-bot'));
      for (let at = 0; at < 2; at += 1) {
        await callTool(bot, 'list_issues');
        idp.revoke();
      }
      expect(idp.requestsOf('redeem').map(({ status }) => status)).toEqual(singleUse ? [200, 400, 200] : [200, 200]);
    }
  });

  it('lets servers share an authorization server', async () => {
    const issuer = 'https://as.example/tenant';
    const idp = world({ servers: { one: { issuer, tools: {} }, two: { issuer, tools: {} } } });
    const bot = botWith(idp.options('reporting-bot'));
    await bot.prepare();
    expect((await bot.token('one')).resource).toBe('https://one.mcp.example/mcp');
    expect((await bot.token('two')).scopes).toEqual(['two:use']);
  });

  it('calls a handler in place of tools, with an authorized request only', async () => {
    const handler = jest.fn<(request: Request, caller: { subject: string }) => Promise<Response>>(
      async (request, { subject }) => Response.json({ subject, body: await request.text() }),
    );
    const idp = world({ servers: { issues: { handler, scopes: ['a'] } } });
    const bot = botWith(idp.options('reporting-bot'));
    await idp.fetch('https://issues.mcp.example/mcp', { method: 'POST', body: '{}' });
    expect(handler).not.toHaveBeenCalled();
    await expect(callTool(bot, 'anything')).resolves.toMatchObject({
      subject: 'reporting-bot',
      body: expect.stringContaining('anything'),
    });
  });

  it('issues tokens by client_credentials to a server without an IdP', async () => {
    const idp = world();
    const { idp: _idp, servers, ...rest } = idp.options('reporting-bot', { issues: { flow: 'client-credentials' } });
    await expect(callTool(botWith({ servers, ...rest }), 'list_issues')).resolves.toHaveProperty('result');
    idp.expectRequests({ authenticate: 0, exchange: 0, redeem: 1 });
  });

  it('revokes the tokens that a principal gives back when it closes', async () => {
    const idp = world();
    const bot = botWith({ ...idp.options('reporting-bot'), revokeOnClose: true });
    await bot.token('issues');
    await bot.close();
    expect(idp.requestsOf('other').map(({ url, status }) => [url, status])).toEqual([
      ['https://issues.as.example/revoke', 200],
    ]);
    expect(idp.revoke('issues')).toBe(0);
  });

  it('exchanges the ID token of a user, and refuses one for another client', async () => {
    const idp = world({ principals: { 'reporting-bot': {}, other: {} } });
    const options = idp.options('reporting-bot');
    const botFor = (principal: string) =>
      botWith({
        ...options,
        idp: options.idp && {
          ...options.idp,
          subject: fromIdToken(async () => idp.idToken({ subject: 'ada', principal })),
        },
      });
    await expect(callTool(botFor('reporting-bot'), 'list_issues')).resolves.toHaveProperty('result');
    await expect(refusal(botFor('other').token('issues'))).resolves.toMatchObject({
      leg: 'exchange',
      code: 'invalid_grant',
    });
  });
});
