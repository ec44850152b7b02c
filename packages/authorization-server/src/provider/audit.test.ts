import { setTimeout as sleep } from 'node:timers/promises';
import { GRANT_JWT_BEARER } from '@credence/protocol';
import { createSigningKeys } from '@credence/identity-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { decodeJwt } from 'jose';
import { Bot, outcome } from '../../../../test/support/roles/bot.ts';
import { AS_SECRET, generousPolicy, startWorld, type World } from '../../../../test/support/roles/world.ts';
import { type IdJagGrantOptions } from '../redeem/options.ts';

let world: World;
let bot: Bot;

beforeAll(async () => {
  world = await startWorld();
  bot = new Bot(world);
});
afterAll(() => world.close());
beforeEach(() => {
  world.policy = generousPolicy;
  world.redeemed.length = 0;
});

/** Calls `use` with a bot in a new world with these options. */
async function inWorld(
  redeem: Partial<IdJagGrantOptions>,
  use: (bot: Bot, world: World) => Promise<void>,
): Promise<void> {
  const own = await startWorld({ redeem });
  try {
    await use(new Bot(own), own);
  } finally {
    await own.close();
  }
}

describe('the audit callback', () => {
  it('is called once for each request and gets no token', async () => {
    const assertion = await bot.idJag();
    const { body } = await bot.redeem(assertion);
    await bot.redeem(assertion, { scope: 'admin' });
    expect(world.redeemed).toMatchObject([{ granted: true }, { granted: false }]);
    const trail = JSON.stringify(world.redeemed);
    expect(trail).not.toContain(String(body['access_token']));
    expect(trail).not.toContain(assertion.split('.')[2]);
  });

  it('gets the actor of the ID-JAG, if a bot acts for a user', async () => {
    world.policy = async (request) => {
      const decision = await generousPolicy(request);
      return decision.granted ? { ...decision, claims: { act: { sub: 'reporting-bot' } } } : decision;
    };
    await bot.redeem(await bot.idJag());
    expect(world.redeemed.at(-1)).toMatchObject({ granted: true, actor: 'reporting-bot' });
  });

  it('gets records without control characters and assertions, and with lists that are cut', async () => {
    const keys = await createSigningKeys();
    const issuer = 'https://acme.example';
    await inWorld({ issuers: { [issuer]: { jwks: keys.publicJwks() } } }, async (own, ownWorld) => {
      const claims = { ...decodeJwt(await own.idJag()), iss: issuer, sub: 'x\ngranted=true', jti: '\u001B[2Jj' };
      const assertion = await keys.sign(claims, { typ: 'oauth-id-jag+jwt' });
      expect(outcome(await own.redeem(assertion))).toBe('granted');
      expect(ownWorld.redeemed).toMatchObject([
        { subject: 'x granted=true', accountId: `${issuer}#x granted=true`, jti: '[2Jj' },
      ]);
      const scopes = [assertion, ...assertion.split('.'), ...Array.from({ length: 100 }, (_, at) => `s${at}`)];
      expect(outcome(await own.redeem(assertion, { scope: scopes.join(' ') }))).toBe('invalid_scope');
      const { requestedScopes } = ownWorld.redeemed[1] ?? {};
      expect(requestedScopes).toHaveLength(51);
      expect(requestedScopes).toEqual(expect.arrayContaining(['[redacted]', 's0', 'and 54 more']));
      for (const part of assertion.split('.')) expect(JSON.stringify(requestedScopes)).not.toContain(part);
    });
  });

  it('gets the client and the error even if the client sends their names as its assertion', async () => {
    await bot.redeem('bot-at-as.invalid_grant.malformed');
    expect(world.redeemed).toMatchObject([
      {
        clientId: 'bot-at-as',
        error: 'invalid_grant',
        code: 'malformed',
        reason: expect.stringMatching(/^malformed/u),
      },
    ]);
  });

  it.each([
    ['a repeated grant type', 1, (body: URLSearchParams) => body.append('grant_type', GRANT_JWT_BEARER)],
    ['no grant type', 1, (body: URLSearchParams) => body.delete('grant_type')],
    ['a repeated assertion', 1, (body: URLSearchParams) => body.append('assertion', 'x')],
    ['another grant type', 0, (body: URLSearchParams) => body.set('grant_type', 'client_credentials')],
  ])('for a request with %s is called this many times: %i', async (_name, records, change) => {
    const body = new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion: await bot.idJag() });
    change(body);
    const headers = { authorization: `Basic ${btoa(`bot-at-as:${AS_SECRET}`)}` };
    const answer = await fetch(`${world.as.issuer}/token`, { method: 'POST', headers, body });
    expect(answer.status).toBe(400);
    expect(world.redeemed).toHaveLength(records);
  });

  it('gets no credential of the request, whichever parameter contains it', async () => {
    const opaque = `opaque_${'0123456789abcdefghij'.repeat(3)}`;
    const headers = { authorization: `Basic ${btoa(`bot-at-as:${AS_SECRET}`)}` };
    const send = async (parameters: Record<string, string>, sent: Record<string, string> = {}) => {
      const body = new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion: opaque, ...parameters });
      await fetch(`${world.as.issuer}/token`, { method: 'POST', headers: sent, body });
    };
    await send({ scope: AS_SECRET }, headers);
    await send({ scope: AS_SECRET, client_id: 'bot-at-as', client_secret: AS_SECRET });
    await send({ scope: opaque, client_id: opaque, client_secret: 'x' });
    expect(world.redeemed).toHaveLength(3);
    const trail = JSON.stringify(world.redeemed);
    for (const secret of [AS_SECRET, opaque]) expect(trail).not.toContain(secret);
    expect(world.redeemed[2]).toMatchObject({ claimedClientId: '[redacted]' });
  });

  it.each<[string, NonNullable<IdJagGrantOptions['audit']>]>([
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ])('that %s causes a server_error for a grant, and no token remains', async (_name, audit) => {
    await inWorld({ audit }, async (own, ownWorld) => {
      const { AccessToken } = ownWorld.as.provider;
      const saved: string[] = [];
      ownWorld.as.provider.on('access_token.saved', ({ jti }) => saved.push(jti));
      const assertion = await own.idJag();
      expect(await own.redeem(assertion)).toMatchObject({ status: 500, body: { error: 'server_error' } });
      await expect(Promise.all(saved.map((jti) => AccessToken.find(jti)))).resolves.toEqual([undefined]);
      expect(outcome(await own.redeem(assertion, { scope: 'admin' }))).toBe('invalid_scope');
    });
  });

  it('that never ends delays the response to a grant by ten seconds and not by twenty', async () => {
    const granted: boolean[] = [];
    const audit: IdJagGrantOptions['audit'] = (record) => {
      granted.push(record.granted);
      return new Promise(() => {});
    };
    await inWorld({ audit }, async (own) => {
      const assertion = await own.idJag();
      jest.useFakeTimers({ doNotFake: ['Date', 'performance', 'setImmediate', 'nextTick', 'queueMicrotask'] });
      try {
        const response = own.redeem(assertion);
        while (granted.length === 0) await new Promise((resolve) => setImmediate(resolve));
        await jest.advanceTimersByTimeAsync(10_000);
        await expect(response).resolves.toMatchObject({ status: 500, body: { error: 'server_error' } });
        expect(granted).toEqual([true, false]);
      } finally {
        jest.useRealTimers();
      }
    });
  });

  it('is awaited before the response', async () => {
    const trail: { granted: boolean }[] = [];
    const audit: IdJagGrantOptions['audit'] = async ({ granted }) => {
      await sleep(20);
      trail.push({ granted });
    };
    await inWorld({ audit }, async (own) => {
      const assertion = await own.idJag();
      await own.redeem(assertion);
      expect(trail).toEqual([{ granted: true }]);
      await own.redeem(assertion, { scope: 'admin' });
      expect(trail).toEqual([{ granted: true }, { granted: false }]);
    });
  });
});
