import {
  CLIENT_ASSERTION_TYPE_JWT_BEARER,
  GRANT_JWT_BEARER,
  GRANT_JWT_DPOP,
  memoryReplayStore,
} from '@credence/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { type Answer, Bot, outcome } from '../../../../test/support/roles/bot.ts';
import { dpopProof } from '../../../../test/support/roles/tokens.ts';
import {
  AS_SECRET,
  generousPolicy,
  JWT_RESOURCE,
  OPAQUE_RESOURCE,
  startWorld,
  type World,
} from '../../../../test/support/roles/world.ts';
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

async function dpopHandle(): Promise<oauth.DPoPHandle> {
  return oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
}

describe('the grant', () => {
  it("refuses a stolen ID-JAG from another client, and the audit record contains the ID-JAG's client", async () => {
    const assertion = await bot.idJag();
    const answer = await new Bot(world, 'other').redeem(assertion);
    expect(answer).toEqual({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'the ID-JAG was issued for another client' },
    });
    expect(world.redeemed).toEqual([
      {
        time: expect.any(Date),
        granted: false,
        clientId: 'other-at-as',
        intendedClientId: 'bot-at-as',
        issuer: world.idp.issuer,
        subject: 'bot',
        jti: decodeJwt(assertion).jti,
        error: 'invalid_grant',
        code: 'wrong_client',
        reason: 'wrong_client: issued for "bot-at-as"',
      },
    ]);
  });

  it('refuses a client whose authentication fails, and records its claimedClientId only', async () => {
    const response = await fetch(`${world.as.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from('bot-at-as:wrong').toString('base64')}` },
      body: new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion: await bot.idJag() }),
    });
    expect(response.status).toBe(401);
    await expect(response.json()).resolves.toMatchObject({ error: 'invalid_client' });
    expect(world.redeemed).toEqual([
      expect.objectContaining({
        granted: false,
        claimedClientId: 'bot-at-as',
        error: 'invalid_client',
        reason: 'invalid secret provided',
      }),
    ]);
  });

  it('records the claimedClientId of an unknown client', async () => {
    const basic = { authorization: `Basic ${btoa('stranger%0A1:secret')}` };
    const assertion = new UnsecuredJWT({ sub: 'stranger 3' }).encode();
    for (const [headers, parameters] of [
      [basic, {}],
      [{}, { client_id: 'stranger\n2', client_secret: 'secret' }],
      [{}, { client_assertion: assertion, client_assertion_type: CLIENT_ASSERTION_TYPE_JWT_BEARER }],
    ] as const) {
      const body = new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion: 'x', ...parameters });
      await fetch(`${world.as.issuer}/token`, { method: 'POST', headers, body });
    }
    expect(world.redeemed.map(({ claimedClientId }) => claimedClientId)).toEqual([
      'stranger 1',
      'stranger 2',
      'stranger 3',
    ]);
  });

  it('refuses a client that is not registered, and one without this grant type', async () => {
    const response = await fetch(`${world.as.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion: await bot.idJag(), client_id: 'nobody' }),
    });
    expect(response.status).toBe(401);
    const { body } = await new Bot(world, 'other').redeem(await bot.idJag(), {}, { grantType: GRANT_JWT_DPOP });
    expect(body).toMatchObject({ error: 'invalid_request' });
    expect(world.redeemed).toHaveLength(2);
  });
});

describe('a client', () => {
  const redeemAs = async (clientId: string, secret?: string): Promise<Answer> => {
    world.policy = () => ({ granted: true, clientId, scopes: ['issues:read'] });
    const response = await fetch(`${world.as.issuer}/token`, {
      method: 'POST',
      headers:
        secret === undefined
          ? {}
          : { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` },
      body: new URLSearchParams({
        grant_type: GRANT_JWT_BEARER,
        assertion: await bot.idJag(),
        ...(secret === undefined && { client_id: clientId }),
      }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('that is public may not redeem', async () => {
    expect(outcome(await redeemAs('public-at-as'))).toBe('unauthorized_client');
  });

  it('with dpop_bound_access_tokens may not redeem without a proof', async () => {
    expect(outcome(await redeemAs('bound-at-as', AS_SECRET))).toBe('invalid_grant');
    expect(world.redeemed.at(-1)).toMatchObject({ reason: 'DPoP proof JWT not provided' });
    expect(outcome(await redeemAs('other-at-as', AS_SECRET))).toBe('granted');
  });
});

describe('the assertion', () => {
  it.each([
    ['with alg none', (assertion: string) => new UnsecuredJWT(decodeJwt(assertion)).encode()],
    ['with a cut signature', (assertion: string) => assertion.slice(0, -4)],
    ['that is not a JWT', () => 'nonsense'],
    ['of 40 kB', (assertion: string) => `${assertion}${'A'.repeat(40_000)}`],
    [
      'with a signature by an unknown key',
      (assertion: string) =>
        new SignJWT(decodeJwt(assertion))
          .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'x' })
          .sign(world.keys.bot.privateKey),
    ],
    [
      'with an HMAC',
      (assertion: string) =>
        new SignJWT(decodeJwt(assertion))
          .setProtectedHeader({ alg: 'HS256', typ: 'oauth-id-jag+jwt' })
          .sign(new Uint8Array(32)),
    ],
  ])('%s is refused with invalid_grant', async (_name, forge) => {
    const answer = await bot.redeem(await forge(await bot.idJag()));
    expect(outcome(answer)).toBe('invalid_grant');
    expect(world.redeemed).toEqual([expect.objectContaining({ granted: false, clientId: 'bot-at-as' })]);
  });

  it('is required', async () => {
    expect(outcome(await bot.redeem(''))).toBe('invalid_request');
  });

  it('may be used again by the same client by default, and not with the policy singleUse', async () => {
    const assertion = await bot.idJag();
    expect(outcome(await bot.redeem(assertion))).toBe('granted');
    expect(outcome(await bot.redeem(assertion))).toBe('granted');

    await inWorld({ replay: { singleUse: memoryReplayStore() } }, async (own, ownWorld) => {
      const once = await own.idJag();
      // A refused request does not mark the ID-JAG as used.
      expect(outcome(await own.redeem(once, { resource: 'https://other.example/mcp' }))).toBe('invalid_target');
      expect(outcome(await own.redeem(once, { scope: 'admin' }))).toBe('invalid_scope');
      const answers = await Promise.all(Array.from({ length: 5 }, () => own.redeem(once)));
      expect(answers.map(outcome).filter((each) => each === 'granted')).toHaveLength(1);
      expect(ownWorld.redeemed.at(-1)).toMatchObject({ subject: 'bot' });
      expect(ownWorld.redeemed.filter(({ reason }) => reason === 'replayed')).toHaveLength(4);
    });
  });
});

describe('the resource', () => {
  it('is the resource of the ID-JAG if the request has none', async () => {
    expect(await bot.redeem(await bot.idJag())).toMatchObject({ body: { resource: OPAQUE_RESOURCE } });
  });

  it('of the request must be in the ID-JAG', async () => {
    const assertion = await bot.idJag();
    expect(outcome(await bot.redeem(assertion, { resource: JWT_RESOURCE }))).toBe('invalid_target');
    expect(outcome(await bot.redeem(assertion, { resource: 'https://other.example/mcp' }))).toBe('invalid_target');
    expect(outcome(await bot.redeem(assertion, { resource: [OPAQUE_RESOURCE, JWT_RESOURCE] }))).toBe('invalid_target');
    expect(outcome(await bot.redeem(assertion, { resource: OPAQUE_RESOURCE }))).toBe('granted');
  });

  it('of another authorization server is refused', async () => {
    const foreign = await bot.idJag({ resource: 'https://other.example/mcp' });
    expect(outcome(await bot.redeem(foreign))).toBe('invalid_grant');
    const both = await bot.idJag({ resource: [OPAQUE_RESOURCE, 'https://other.example/mcp'] });
    expect(outcome(await bot.redeem(both, { resource: OPAQUE_RESOURCE }))).toBe('invalid_grant');
    expect(world.redeemed.at(-1)).toMatchObject({ code: 'wrong_resource', error: 'invalid_grant' });
  });

  it('of the request may not have another spelling', async () => {
    const assertion = await bot.idJag();
    const other = OPAQUE_RESOURCE.replace('https://', 'HTTPS://');
    expect(outcome(await bot.redeem(assertion, { resource: other }))).toBe('invalid_target');
  });

  it('must be in the request if several are possible', async () => {
    const several = await bot.idJag({ resource: [OPAQUE_RESOURCE, JWT_RESOURCE] });
    expect(outcome(await bot.redeem(several))).toBe('invalid_target');
    expect(await bot.redeem(several, { resource: JWT_RESOURCE })).toMatchObject({ body: { resource: JWT_RESOURCE } });

    const none = await bot.idJag({ resource: [] });
    expect(decodeJwt(none)).not.toHaveProperty('resource');
    expect(outcome(await bot.redeem(none))).toBe('invalid_target');
    expect(await bot.redeem(none, { resource: JWT_RESOURCE })).toMatchObject({ body: { resource: JWT_RESOURCE } });
  });

  it('is the only resource of the server if neither the ID-JAG nor the request contains a resource, unless requireResource is true', async () => {
    const resources = { [OPAQUE_RESOURCE]: { scopes: ['issues:read'] } };
    await inWorld({ resources }, async (own) => {
      const none = await own.idJag({ resource: [] });
      expect(await own.redeem(none)).toMatchObject({ body: { resource: OPAQUE_RESOURCE } });
    });
    await inWorld({ resources, requireResource: true }, async (own) => {
      const none = await own.idJag({ resource: [] });
      expect(outcome(await own.redeem(none, { resource: OPAQUE_RESOURCE }))).toBe('invalid_grant');
    });
  });
});

describe('the scopes', () => {
  it('are those of the ID-JAG that the resource knows', async () => {
    const assertion = await bot.idJag({ resource: JWT_RESOURCE, scope: 'issues:read issues:write' });
    expect(await bot.redeem(assertion)).toMatchObject({ body: { scope: 'issues:read' } });
    expect(world.redeemed.at(-1)).toMatchObject({
      granted: true,
      requestedScopes: ['issues:read', 'issues:write'],
      grantedScopes: ['issues:read'],
      accountId: `${world.idp.issuer}#bot`,
      tokenType: 'Bearer',
    });
  });

  it('are those that the request and the ID-JAG have in common', async () => {
    const assertion = await bot.idJag({ scope: 'issues:read issues:write' });
    expect(await bot.redeem(assertion, { scope: 'issues:write' })).toMatchObject({ body: { scope: 'issues:write' } });
    const narrow = await bot.idJag({ scope: 'issues:read' });
    expect(await bot.redeem(narrow, { scope: 'issues:read issues:write' })).toMatchObject({
      body: { scope: 'issues:read' },
    });
    expect(world.redeemed.at(-1)).toMatchObject({
      requestedScopes: ['issues:read', 'issues:write'],
      grantedScopes: ['issues:read'],
    });
    expect(outcome(await bot.redeem(narrow, { scope: 'issues:write' }))).toBe('invalid_scope');
  });

  it('cause invalid_scope if none can be granted', async () => {
    expect(outcome(await bot.redeem(await bot.idJag({ scope: 'unknown' })))).toBe('invalid_scope');
  });

  it('of an ID-JAG without scope are defaultScopes of the resource, or the request is refused', async () => {
    const issueWithoutScope = (own: World) => {
      own.policy = () => ({ granted: true, clientId: 'bot-at-as' });
    };
    const noScope = { scope: [] };
    issueWithoutScope(world);
    expect(outcome(await bot.redeem(await bot.idJag(noScope)))).toBe('invalid_scope');
    const resources = { [OPAQUE_RESOURCE]: { scopes: ['issues:read', 'x'], defaultScopes: ['issues:read'] } };
    await inWorld({ resources }, async (own, ownWorld) => {
      issueWithoutScope(ownWorld);
      expect(await own.redeem(await own.idJag(noScope))).toMatchObject({ body: { scope: 'issues:read' } });
    });
  });

  it('are restricted to those of scopesFor', async () => {
    const scopesFor: IdJagGrantOptions['scopesFor'] = ({ claims }) =>
      Array.isArray(claims['groups']) && claims['groups'].includes('writers') ? ['issues:write'] : [];
    await inWorld({ scopesFor }, async (own, ownWorld) => {
      expect(outcome(await own.redeem(await own.idJag({ scope: 'issues:read issues:write' })))).toBe('invalid_scope');
      ownWorld.policy = (request) => ({
        granted: true,
        clientId: 'bot-at-as',
        scopes: request.scopes,
        claims: { groups: ['writers'] },
      });
      expect(await own.redeem(await own.idJag({ scope: 'issues:read issues:write' }))).toMatchObject({
        body: { scope: 'issues:write' },
      });
    });
  });
});

describe('the account', () => {
  it('is the result of the account callback, which can refuse the subject', async () => {
    const account: IdJagGrantOptions['account'] = ({ subject }) => (subject === 'bot' ? 'account-7' : undefined);
    await inWorld({ account }, async (own, ownWorld) => {
      const { body } = await own.redeem(await own.idJag());
      expect(await own.introspect(String(body['access_token']))).toMatchObject({ sub: 'account-7' });
      ownWorld.policy = () => ({ granted: true, clientId: 'bot-at-as', subject: 'unknown', scopes: ['issues:read'] });
      expect(outcome(await own.redeem(await own.idJag()))).toBe('invalid_grant');
    });
  });
});

describe('the access token', () => {
  it('has the configured lifetime, and no refresh token is issued', async () => {
    const resources = { [OPAQUE_RESOURCE]: { scopes: ['issues:read'], accessTokenLifetimeSeconds: 60 } };
    await inWorld({ resources }, async (own) => {
      const { body } = await own.redeem(await own.idJag());
      expect(body).toMatchObject({ expires_in: 60 });
      expect(body).not.toHaveProperty('refresh_token');
      const { iat, exp } = await own.introspect(String(body['access_token']));
      expect(Number(exp) - Number(iat)).toBe(60);
    });
  });
});

describe('a client assertion', () => {
  it.each(['["bot"]', '{"k":"bot"}', '7', 'null', '"bot","kid":"bot"', `"${'k'.repeat(40_000)}"`, '"__proto__"'])(
    'with the kid %s is refused, and the client authenticates after it',
    async (kid) => {
      const header = Buffer.from(`{"alg":"ES256","kid":${kid}}`).toString('base64url');
      const claims = { iss: 'bot', sub: 'bot', aud: world.idp.issuer, jti: kid, exp: Date.now() / 1000 + 60 };
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: `${header}.${payload}.${'A'.repeat(86)}`,
      });
      const response = await fetch(`${world.idp.issuer}/token`, { method: 'POST', body });
      expect([400, 401]).toContain(response.status);
      await expect(response.json()).resolves.toHaveProperty('error');
      expect(await bot.authenticate()).toHaveProperty('access_token');
    },
  );
});

describe('a DPoP proof', () => {
  it.each<[string, object]>([
    ['an RSA key of 16384 bits', { kty: 'RSA', n: Buffer.alloc(2048, 0xff).toString('base64url'), e: 'AQAB' }],
    ['a large exponent', { kty: 'RSA', n: 'w'.repeat(342), e: Buffer.alloc(256, 0xff).toString('base64url') }],
    ['a list as coordinate', { kty: 'EC', crv: 'P-256', x: ['x'], y: ['y'] }],
  ])('with %s is refused with invalid_dpop_proof, and recorded', async (_name, jwk) => {
    const header = { alg: 'n' in jwk ? 'RS256' : 'ES256', typ: 'dpop+jwt', jwk };
    const parts = [header, { jti: 'j', iat: Date.now() / 1000, htm: 'POST', htu: `${world.as.issuer}/token` }];
    const dpop = `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.c2ln`;
    const form = new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion: await bot.idJag() });
    const headers = { authorization: `Basic ${btoa(`bot-at-as:${AS_SECRET}`)}`, dpop };
    const redeemed = await fetch(`${world.as.issuer}/token`, { method: 'POST', headers, body: form });
    expect(redeemed.status).toBe(400);
    await expect(redeemed.json()).resolves.toMatchObject({ error: 'invalid_dpop_proof' });
    expect(world.redeemed.at(-1)).toMatchObject({ error: 'invalid_dpop_proof', clientId: 'bot-at-as' });
  });

  it('binds the token to its key', async () => {
    const dpop = await dpopHandle();
    const { body } = await bot.redeem(await bot.idJag(), {}, { dpop });
    expect(body).toMatchObject({ token_type: 'DPoP' });
    expect(await bot.introspect(String(body['access_token']))).toMatchObject({
      token_type: 'DPoP',
      cnf: { jkt: await dpop.calculateThumbprint() },
    });
  });

  it('for a bound ID-JAG must be made with the same key', async () => {
    const dpop = await dpopHandle();
    const bound = await bot.idJag({}, dpop);
    expect(decodeJwt(bound)['cnf']).toEqual({ jkt: await dpop.calculateThumbprint() });
    expect(outcome(await bot.redeem(bound))).toBe('invalid_grant');
    expect(world.redeemed.at(-1)).toMatchObject({ reason: 'proof_required', subject: 'bot' });
    expect(outcome(await bot.redeem(bound, {}, { dpop: await dpopHandle() }))).toBe('invalid_grant');
    expect(world.redeemed.at(-1)).toMatchObject({ reason: 'proof_mismatch' });
    expect(await bot.redeem(bound, {}, { dpop })).toMatchObject({ body: { token_type: 'DPoP' } });
  });

  it('is required for the grant type jwt-dpop', async () => {
    const dpop = await dpopHandle();
    const grantType = GRANT_JWT_DPOP;
    expect(outcome(await bot.redeem(await bot.idJag(), {}, { grantType }))).toBe('invalid_grant');
    expect(outcome(await bot.redeem(await bot.idJag(), {}, { grantType, dpop }))).toBe('granted');
  });

  it('needs a nonce if the provider requires one', async () => {
    const own = await startWorld({ dpopNonces: true });
    try {
      const ownBot = new Bot(own);
      const dpop = await dpopHandle();
      const assertion = await ownBot.idJag();
      expect(outcome(await ownBot.redeem(assertion, {}, { dpop }))).toBe('use_dpop_nonce');
      expect(await ownBot.redeem(assertion, {}, { dpop })).toMatchObject({ body: { token_type: 'DPoP' } });
    } finally {
      await own.close();
    }
  });

  const send = async (htu: string) => {
    const dpop = await dpopProof(htu);
    const authorization = `Basic ${btoa(`bot-at-as:${AS_SECRET}`)}`;
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'as.example' };
    const body = new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion: await bot.idJag() });
    return async () => {
      const headers = { authorization, dpop, ...forwarded };
      return (await fetch(`${world.as.issuer}/token`, { method: 'POST', headers, body })).status;
    };
  };

  it('is accepted once', async () => {
    const again = await send(`${world.as.issuer}/token`);
    expect({ first: await again(), second: await again() }).toEqual({ first: 200, second: 400 });
    expect(world.redeemed.at(-1)).toMatchObject({ error: 'invalid_grant', reason: 'DPoP proof JWT Replay detected' });
  });

  it('must be for the URL that clients request, if the provider is configured to be behind a proxy', async () => {
    const proxied = await send('https://as.example/token');
    await expect(proxied()).resolves.toBe(400);
    expect(world.redeemed.at(-1)).toMatchObject({ reason: 'DPoP proof htu mismatch' });
    world.as.provider.proxy = true;
    try {
      await expect(proxied()).resolves.toBe(200);
    } finally {
      world.as.provider.proxy = false;
    }
  });
});

describe("the identity provider's keys", () => {
  it('can be rotated while both servers run', async () => {
    const before = await bot.idJag();
    expect(outcome(await bot.redeem(before))).toBe('granted');
    await world.signingKeys.rotate();
    expect(outcome(await bot.redeem(await bot.idJag()))).toBe('granted');
    expect(outcome(await bot.redeem(before))).toBe('granted');
  });

  it('that cannot be fetched cause a 503 until they can be fetched', async () => {
    let down = true;
    let now = Date.now();
    const flaky: NonNullable<IdJagGrantOptions['fetch']> = (url, init) =>
      down ? Promise.reject(new TypeError('fetch failed')) : fetch(url, init);
    await inWorld({ fetch: flaky, now: () => new Date(now) }, async (own, ownWorld) => {
      const assertion = await own.idJag();
      expect(await own.redeem(assertion)).toEqual({
        status: 503,
        body: {
          error: 'temporarily_unavailable',
          error_description: "the identity provider's keys cannot be fetched at the moment",
        },
      });
      expect(ownWorld.redeemed).toEqual([
        expect.objectContaining({ granted: false, error: 'temporarily_unavailable' }),
      ]);
      down = false;
      now += 2000;
      expect(outcome(await own.redeem(assertion))).toBe('granted');
      down = true;
      now += 20_000;
      expect(outcome(await own.redeem(assertion))).toBe('granted');
    });
  });
});
