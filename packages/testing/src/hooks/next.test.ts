import { ServicePrincipal } from '@credence/core';
import { afterEach, describe, expect, it } from '@jest/globals';
import { answers } from '../answers/answers.ts';
import { type FakeIdp, fakeIdp } from '../fake-idp.ts';

let idp: FakeIdp;
let bot: ServicePrincipal;

function start(options: Partial<Parameters<typeof fakeIdp>[0]> = {}): void {
  idp = fakeIdp({
    principals: { bot: {}, other: {} },
    servers: { issues: { tools: { list: () => 'ok' } }, mail: {} },
    ...options,
  });
  bot = new ServicePrincipal(idp.options('bot'));
}

afterEach(async () => {
  await bot.close();
});

const call = async () =>
  bot.fetchFor('issues')(bot.server('issues').url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list' } }),
  });

describe('next', () => {
  it('refuses the next request of a leg, once', async () => {
    start();
    idp.next('exchange').refuse('access_denied', 'not today');
    await expect(bot.token('mail')).rejects.toMatchObject({
      code: 'access_denied',
      errorDescription: 'not today',
      status: 400,
    });
    await expect(bot.token('issues')).resolves.toHaveProperty('value');
    idp.expectNoPendingAnswers();
  });

  it.each([
    ['authenticate', 'invalid_client', 401],
    ['redeem', 'invalid_grant', 400],
    ['exchange', 'invalid_target', 400],
  ] as const)('refuses the leg %s in its form', async (leg, error, status) => {
    start();
    idp.next(leg, { times: 2 }).refuse(error);
    await expect(bot.token('issues')).rejects.toMatchObject({ leg, error, status });
  });

  it('refuses a call with a challenge', async () => {
    start();
    await call();
    idp.next('call').refuse('invalid_token', { description: 'signed out' });
    expect((await call()).status).toBe(200);
    idp.next('call').refuse('insufficient_scope', { scope: 'issues:admin' });
    await expect(call()).rejects.toMatchObject({ code: 'insufficient_scope', status: 403 });
  });

  it('is about one server or one principal', async () => {
    start();
    idp.next('exchange', { server: 'issues', principal: 'other' }).refuse('access_denied');
    idp.next('exchange', { server: 'mail' }).refuse('access_denied');
    await expect(bot.token('issues')).resolves.toHaveProperty('value');
    await expect(bot.token('mail')).rejects.toMatchObject({ code: 'access_denied' });
    expect(() => idp.expectNoPendingAnswers()).toThrow("next('exchange') for issues by other");
  });

  it('sends a recorded answer, and the principal asks again after a rate limit', async () => {
    start();
    idp.next('exchange').respond(answers.okta.rateLimited());
    await expect(bot.token('issues')).resolves.toHaveProperty('value');
    expect(idp.requestsOf('exchange').map(({ status }) => status)).toEqual([429, 200]);
  });

  it('changes members of the own answer', async () => {
    start();
    idp.next('exchange').respond(answers.okta.idJag());
    idp.next('redeem').respond({ members: { expires_in: '60', scope: undefined } });
    const { expiresAt } = await bot.token('issues');
    expect(Math.round((expiresAt.getTime() - idp.clock.wallMs()) / 1000)).toBe(60);
  });

  it('answers by a function, which may ask for the own answer', async () => {
    start();
    let asked = '';
    idp.next('redeem').respond(async (request, ownAnswer) => {
      asked = `${request.leg} ${request.server} ${request.principal}`;
      const { status } = await ownAnswer();
      return { status: status === 200 ? 503 : 500, body: 'upstream failed' };
    });
    await expect(bot.token('issues')).resolves.toHaveProperty('value');
    expect(asked).toBe('redeem issues bot');
    expect(idp.requestsOf('redeem').map(({ status }) => status)).toEqual([503, 200]);
  });

  it('drops the connection, and the principal asks again', async () => {
    start();
    idp.next('exchange').drop();
    idp.next('redeem').drop();
    await expect(bot.token('issues')).resolves.toHaveProperty('value');
    expect(idp.requestsOf('exchange').map(({ status }) => status)).toEqual([undefined, 200]);
    idp.next('exchange', { times: 9 }).drop();
    await expect(bot.token('mail')).rejects.toMatchObject({ code: 'unreachable', causeCode: 'ECONNRESET' });
  });

  it('holds an answer, so that concurrent callers share one acquisition', async () => {
    start();
    let release = () => {};
    idp.next('exchange').delay(new Promise<void>((resolve) => (release = resolve)));
    const tokens = Array.from({ length: 20 }, async () => bot.token('issues'));
    release();
    expect(new Set((await Promise.all(tokens)).map(({ value }) => value)).size).toBe(1);
    idp.expectRequests({ authenticate: 1, exchange: 1, redeem: 1 });
    idp.next('redeem').delay(5).refuse('invalid_scope');
    await expect(bot.token('mail')).rejects.toMatchObject({ error: 'invalid_scope' });
  });
});

describe('refuse', () => {
  it('stands until it is lifted', async () => {
    start({ refuse: [{ server: 'mail' }] });
    const lift = idp.refuse({ server: 'issues', answer: answers.c1.notGranted() });
    await expect(bot.token('mail')).rejects.toMatchObject({ code: 'access_denied', contact: 'idp-admin' });
    await expect(bot.token('issues')).rejects.toMatchObject({ code: 'invalid_grant', leg: 'exchange' });
    lift();
    idp.clock.advance(3_600_000);
    await expect(bot.token('issues')).resolves.toHaveProperty('value');
  });

  it.each([
    ['authenticate', 'invalid_client'],
    ['redeem', 'invalid_grant'],
    ['exchange', 'access_denied'],
  ] as const)('has a usual error for the leg %s', async (leg, error) => {
    start();
    idp.refuse({ leg });
    await expect(bot.token('issues')).rejects.toMatchObject({ leg, error });
  });

  it('of calls refuses every token', async () => {
    start();
    idp.refuse({ leg: 'call', server: 'issues' });
    await expect(call()).rejects.toMatchObject({ code: 'token_refused', leg: 'call' });
  });

  it('of one principal leaves the others alone', async () => {
    start();
    idp.refuse({ principal: 'other' });
    const other = new ServicePrincipal(idp.options('other'));
    await expect(other.token('issues')).rejects.toMatchObject({ code: 'access_denied' });
    await expect(bot.token('issues')).resolves.toHaveProperty('value');
    await other.close();
  });
});
