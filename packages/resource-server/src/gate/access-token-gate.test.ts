import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dpopNonces } from '@credence/protocol';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { Hono } from 'hono';
import * as oauth from 'oauth4webapi';
import { Bot } from '../../../../test/support/roles/bot.ts';
import {
  JWT_RESOURCE,
  OPAQUE_RESOURCE,
  RS_SECRET,
  startWorld,
  type World,
} from '../../../../test/support/roles/world.ts';
import { accessTokenGate, honoAccessToken, expressAccessToken } from './access-token-gate.ts';
import { accessTokenVerifier } from '../access-token/access-token-verifier.ts';
import type { AccessTokenInfo } from '../access-token/auth-info.ts';
import { callerOf } from './caller.ts';
import type { AccessTokenGateOptions } from './gate.ts';

let world: World;
let bot: Bot;
let keyPair: oauth.CryptoKeyPair;
let bound: string;
let bearer: string;

beforeAll(async () => {
  world = await startWorld();
  bot = new Bot(world);
  keyPair = await oauth.generateKeyPair('ES256');
  const idJag = await bot.idJag();
  bearer = String((await bot.redeem(idJag)).body['access_token']);
  bound = String((await bot.redeem(idJag, {}, { dpop: handle() })).body['access_token']);
});
afterAll(() => world.close());

const handle = (pair: oauth.CryptoKeyPair = keyPair) => oauth.DPoP({}, pair);

const gateOptions = (more: Partial<AccessTokenGateOptions> = {}): AccessTokenGateOptions => ({
  verifier: accessTokenVerifier({
    issuer: world.as.issuer,
    resource: OPAQUE_RESOURCE,
    introspection: { clientId: 'resource-server', clientSecret: RS_SECRET },
  }),
  resourceMetadataUrl: 'https://mcp.example/.well-known/oauth-protected-resource/opaque',
  scope: 'issues:read',
  ...more,
});

/** Passes the request that oauth4webapi sends to a gate instead of the network, and returns the result of the gate. */
async function send(
  gate: ReturnType<typeof accessTokenGate>,
  token: string,
  dpop?: oauth.DPoPHandle,
): Promise<AccessTokenInfo | Response> {
  let outcome: AccessTokenInfo | Response | undefined;
  await oauth
    .protectedResourceRequest(token, 'POST', new URL(OPAQUE_RESOURCE), new Headers(), null, {
      ...(dpop !== undefined && { DPoP: dpop }),
      [oauth.customFetch]: async (
        url: string,
        { method, headers }: { method: string; headers: Record<string, string> },
      ) => {
        outcome = await gate(new Request(url, { method, headers }));
        return outcome instanceof Response ? outcome.clone() : new Response();
      },
    })
    .catch((error: unknown) => {
      if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
    });
  if (outcome === undefined) throw new Error('no request was sent');
  return outcome;
}

const challengesOf = (outcome: AccessTokenInfo | Response) =>
  outcome instanceof Response ? `${outcome.status} ${outcome.headers.get('www-authenticate')}` : 'accepted';

describe('accessTokenGate', () => {
  it('accepts bearer tokens, and bound tokens with a proof by their key', async () => {
    const gate = accessTokenGate(gateOptions());
    await expect(send(gate, bearer)).resolves.toMatchObject({ clientId: 'bot-at-as', scopes: ['issues:read'] });
    const info = await send(gate, bound, handle());
    expect(info).toMatchObject({ extra: { dpopThumbprint: expect.any(String) } });
    expect(callerOf({ authInfo: info })).toMatchObject({ subject: `${world.idp.issuer}#bot`, proven: true });
  });

  it('accepts bound JWTs', async () => {
    const idJag = await bot.idJag({ resource: JWT_RESOURCE, scope: 'docs:read' });
    const token = String((await bot.redeem(idJag, {}, { dpop: handle() })).body['access_token']);
    const verifier = accessTokenVerifier({ issuer: world.as.issuer, resource: JWT_RESOURCE, jwt: {} });
    // The proof is for another path than the resource: the path of the request counts.
    const gate = accessTokenGate({ verifier });
    await expect(send(gate, token, handle())).resolves.toMatchObject({ scopes: ['docs:read'] });
    expect(challengesOf(await send(gate, token))).toContain('bound to a key');
  });

  it('refuses a bound JWT that is for another resource', async () => {
    const idJag = await bot.idJag({ resource: JWT_RESOURCE, scope: 'docs:read' });
    const token = String((await bot.redeem(idJag, {}, { dpop: handle() })).body['access_token']);
    const verifier = accessTokenVerifier({ issuer: world.as.issuer, resource: OPAQUE_RESOURCE, jwt: {} });
    const answer = await send(accessTokenGate({ verifier }), token, handle());
    expect(challengesOf(answer)).toMatch(/^401 DPoP error="invalid_token"/u);
  });

  it('ignores an access token in the query of the URL', async () => {
    const url = `${OPAQUE_RESOURCE}?access_token=${bearer}`;
    expect(challengesOf(await accessTokenGate(gateOptions())(new Request(url)))).toMatch(/^401 Bearer/u);
  });

  it('answers the preflight of a browser, which has no token, with 204, and any other OPTIONS request with 401', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
    const options = (init: RequestInit) => new Request(OPAQUE_RESOURCE, { method: 'OPTIONS', ...init });
    for (const each of [gate(), gate({ requireDpop: true })]) {
      expect(((await each(options({ headers }))) as Response).status).toBe(204);
      expect(((await each(options({}))) as Response).status).toBe(401);
      expect(((await each(new Request(OPAQUE_RESOURCE, { method: 'POST', headers }))) as Response).status).toBe(401);
    }
  });

  it('challenges a request without an access token for both schemes and without an error code', async () => {
    const response = await accessTokenGate(gateOptions())(new Request(OPAQUE_RESOURCE));
    expect(challengesOf(response)).toMatch(
      /^401 Bearer scope="issues:read", resource_metadata="[^"]+", DPoP algs="ES256 /,
    );
    expect(challengesOf(response)).not.toContain('error');
  });

  it.each<[string, () => Promise<AccessTokenInfo | Response>, RegExp]>([
    ['a bound token as a bearer token', () => send(gate(), bound), /^401 Bearer error="invalid_token".*bound to a key/],
    ['a bearer token with a proof', () => send(gate(), bearer, handle()), /^401 DPoP error="invalid_token".*not bound/],
    [
      'a proof by another key',
      async () => send(gate(), bound, handle(await oauth.generateKeyPair('ES256'))),
      /^401 DPoP error="invalid_token".*not made with the key/,
    ],
    [
      'a bound token without a proof',
      () => gate()(new Request(OPAQUE_RESOURCE, { headers: { authorization: `DPoP ${bound}` } })),
      /^401 DPoP error="invalid_dpop_proof"/,
    ],
    ['an unknown token', () => send(gate(), 'x'.repeat(43)), /^401 Bearer error="invalid_token"/],
    [
      'a bound token if dpop is false',
      () => send(gate({ dpop: false }), bound, handle()),
      /^401 Bearer error="invalid_token"/,
    ],
    [
      'a bearer token if requireDpop is true',
      () => send(gate({ requireDpop: true }), bearer),
      /^401 DPoP error="invalid_token".*Only tokens that are bound/,
    ],
  ])('refuses %s', async (_name, attempt, challenges) => {
    expect(challengesOf(await attempt())).toMatch(challenges);
  });

  const gate = (more: Partial<AccessTokenGateOptions> = {}) => accessTokenGate(gateOptions(more));

  it('responds with 503 if the replay store fails', async () => {
    const replay = { reserve: () => Promise.reject(new Error('redis://:secret@host')) };
    const answer = await send(gate({ dpop: { replay } }), bound, handle());
    if (!(answer instanceof Response)) throw new Error('the request was accepted');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ error: 'temporarily_unavailable' });
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('refuses a proof that was used before', async () => {
    const once = gate();
    const seen: Request[] = [];
    const spy = (request: Request) => {
      seen.push(request.clone());
      return once(request);
    };
    await send(spy, bound, handle());
    const [first] = seen;
    if (first === undefined) throw new Error('no request was sent');
    expect(challengesOf(await once(first))).toContain('was used before');
  });

  it('requires a nonce, and accepts a proof with it', async () => {
    const gateWithNonces = gate({ dpop: { nonces: dpopNonces() } });
    const client = handle();
    const first = await send(gateWithNonces, bound, client);
    expect(challengesOf(first)).toMatch(/^401 DPoP error="use_dpop_nonce"/);
    expect((first as Response).headers.get('dpop-nonce')).toEqual(expect.any(String));
    // The handle has stored the nonce of the response.
    await expect(send(gateWithNonces, bound, client)).resolves.toMatchObject({ clientId: 'bot-at-as' });
  });

  it('responds with 503 if the authorization server cannot be reached', async () => {
    const verifier = accessTokenVerifier({ issuer: 'http://127.0.0.1:9', resource: OPAQUE_RESOURCE, jwt: {} });
    const jwt = await world.signingKeys.sign({}, { typ: 'at+jwt' });
    const response = await send(accessTokenGate({ verifier }), jwt);
    expect(challengesOf(response)).toBe('503 null');
  });

  it('throws a TypeError if requireDpop is true and dpop is false', () => {
    const wrong = gateOptions({ dpop: false, requireDpop: true });
    for (const make of [accessTokenGate, expressAccessToken, honoAccessToken]) {
      expect(() => make(wrong)).toThrow(TypeError);
      expect(() => make(wrong)).toThrow(`${make.name}: requireDpop`);
    }
  });
});

describe('the middleware', () => {
  it('for Express accepts valid requests and sets request.auth to the caller', async () => {
    const app = express();
    app.use('/opaque', expressAccessToken(gateOptions()), (request, response) => {
      response.json(callerOf({ authInfo: (request as { auth?: unknown }).auth }).clientId);
    });
    const server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/opaque`;
    try {
      const good = await fetch(url, { headers: { authorization: `Bearer ${bearer}` } });
      await expect(good.json()).resolves.toBe('bot-at-as');
      const bad = await fetch(url, { headers: { authorization: 'Bearer x' } });
      expect(bad.status).toBe(401);
      expect(bad.headers.get('cache-control')).toBe('no-store');
      await expect(bad.json()).resolves.toMatchObject({ error: 'invalid_token' });
      // A proof must be for the public URL (the resource), and not for the URL that a proxy requests.
      const headers = await proofHeaders(bound);
      const proven = await fetch(url, { headers });
      expect(proven.status).toBe(200);
      const twice = new Headers(headers);
      twice.append('dpop', headers['dpop'] ?? '');
      const doubled = await fetch(url, { headers: twice });
      expect(doubled.status).toBe(401);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('for Hono accepts valid requests and sets auth to the caller', async () => {
    const app = new Hono<{ Variables: { auth: AccessTokenInfo } }>();
    app.use('/opaque', honoAccessToken(gateOptions()));
    app.all('/opaque', (context) => context.json(callerOf({ http: { authInfo: context.get('auth') } }).clientId));
    const good = await app.request(OPAQUE_RESOURCE, { headers: { authorization: `Bearer ${bearer}` } });
    await expect(good.json()).resolves.toBe('bot-at-as');
    expect((await app.request(OPAQUE_RESOURCE)).status).toBe(401);
  });
});

/** The headers of a GET request with a bound token and its proof. */
async function proofHeaders(token: string): Promise<Record<string, string>> {
  let sent: Record<string, string> = {};
  await oauth.protectedResourceRequest(token, 'GET', new URL(OPAQUE_RESOURCE), new Headers(), null, {
    DPoP: handle(),
    [oauth.customFetch]: (_url: string, { headers }: { headers: Record<string, string> }) => {
      sent = headers;
      return Promise.resolve(new Response());
    },
  });
  return sent;
}

describe('callerOf', () => {
  it.each([undefined, {}, { authInfo: { clientId: 'c', scopes: [] } }, { http: {} }])('refuses %j', (extra) => {
    expect(() => callerOf(extra)).toThrow(TypeError);
  });
});
