import {
  GRANT_TOKEN_EXCHANGE,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_JAG_MISSPELT,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_REFRESH_TOKEN,
  TOKEN_TYPE_SAML2,
} from '@credence/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import { type Answer, Bot, outcome } from '../../../../test/support/roles/bot.ts';
import { dpopProof } from '../../../../test/support/roles/tokens.ts';
import {
  generousPolicy,
  IDP_SECRET,
  JWT_RESOURCE,
  OPAQUE_RESOURCE,
  spyOnPolicy,
  startWorld,
  type World,
} from '../../../../test/support/roles/world.ts';
import { addIdJagExchange } from './add-id-jag-exchange.ts';
import { issuePrincipalIdTokens } from './principal-id-token.ts';
import { type IssueStatus } from './status.ts';

let world: World;
let bot: Bot;

beforeAll(async () => {
  world = await startWorld({ algorithms: ['ES256', 'EdDSA'] });
  bot = new Bot(world);
});
afterAll(() => world.close());
beforeEach(() => {
  world.policy = generousPolicy;
  world.issued.length = 0;
});

describe('a token exchange request', () => {
  it('is passed to the policy with all of its parameters', async () => {
    const policyRequests = spyOnPolicy(world);
    await bot.exchange({ resource: [OPAQUE_RESOURCE, JWT_RESOURCE], scope: 'a b' });
    expect(policyRequests).toEqual([
      {
        subject: 'bot',
        subjectKind: 'principal',
        subjectTokenType: TOKEN_TYPE_ACCESS_TOKEN,
        claims: {},
        clientId: 'bot',
        audience: world.as.issuer,
        resources: [OPAQUE_RESOURCE, JWT_RESOURCE],
        scopes: ['a', 'b'],
      },
    ]);
  });

  it('without a scope is passed to the policy without scopes, and gets the default scopes', async () => {
    const policyRequests = spyOnPolicy(world);
    const { body } = await bot.exchange({ scope: [] });
    expect(policyRequests[0]?.scopes).toBeUndefined();
    expect(body).toMatchObject({ scope: 'issues:read issues:write' });
  });

  it.each<[string, IssueStatus, Record<string, string | string[]>, string, string]>([
    [
      'a misspelt requested token type',
      'malformed_request',
      { requested_token_type: TOKEN_TYPE_ID_JAG_MISSPELT },
      'invalid_request',
      'misspelt',
    ],
    [
      'another requested token type',
      'malformed_request',
      { requested_token_type: TOKEN_TYPE_ACCESS_TOKEN },
      'invalid_request',
      TOKEN_TYPE_ID_JAG,
    ],
    [
      'no requested token type',
      'malformed_request',
      { requested_token_type: [] },
      'invalid_request',
      TOKEN_TYPE_ID_JAG,
    ],
    ['no audience', 'malformed_request', { audience: [] }, 'invalid_request', 'audience is required'],
    [
      'two audiences',
      'malformed_request',
      { audience: ['https://a.example', 'https://b.example'] },
      'invalid_target',
      'one audience',
    ],
    [
      'the issuer of the provider as audience',
      'denied_by_policy',
      { audience: 'SELF' },
      'invalid_target',
      'does not redeem its own',
    ],
    ['a relative resource', 'malformed_request', { resource: 'mcp' }, 'invalid_target', 'absolute URI'],
    [
      'a resource with a fragment',
      'malformed_request',
      { resource: 'https://a.example/#x' },
      'invalid_target',
      'fragment',
    ],
    ['no subject token', 'malformed_request', { subject_token: [] }, 'invalid_request', 'subject_token is required'],
    [
      'no subject token type',
      'malformed_request',
      { subject_token_type: [] },
      'invalid_request',
      'subject_token_type is required',
    ],
    [
      'another subject token type',
      'malformed_request',
      { subject_token_type: TOKEN_TYPE_SAML2 },
      'invalid_request',
      'must be',
    ],
    [
      'an ID-JAG as subject token type',
      'malformed_request',
      { subject_token_type: TOKEN_TYPE_ID_JAG },
      'invalid_request',
      'must be',
    ],
    [
      'an actor token without a type',
      'malformed_request',
      { actor_token: 'x' },
      'invalid_request',
      'needs an actor_token_type',
    ],
    [
      'an actor token type without an actor token',
      'malformed_request',
      { actor_token_type: TOKEN_TYPE_ID_TOKEN },
      'invalid_request',
      'needs an actor_token',
    ],
    [
      'a refresh token as actor',
      'malformed_request',
      { actor_token: 'x', actor_token_type: TOKEN_TYPE_REFRESH_TOKEN },
      'invalid_request',
      'actor_token_type must be',
    ],
    [
      'authorization_details that are not a list',
      'malformed_request',
      { authorization_details: '{}' },
      'invalid_authorization_details',
      'list',
    ],
    ['an unknown subject token', 'subject_token_refused', { subject_token: 'unknown' }, 'invalid_grant', 'not valid'],
  ])('with %s is refused and recorded as %s', async (_name, status, parameters, expected, description) => {
    const given = parameters['audience'] === 'SELF' ? { audience: world.idp.issuer } : parameters;
    const answer = await bot.exchange(given);
    expect(answer.body).toEqual({ error: expected, error_description: expect.stringContaining(description) });
    expect(world.issued).toEqual([
      expect.objectContaining({
        granted: false,
        status,
        clientId: 'bot',
        error: expected,
        reason: expect.any(String),
      }),
    ]);
  });

  it.each<[string, string | string[], string]>([
    ['two scopes', ['a', 'b'], 'invalid_request'],
    ['a scope with a quote', 'a"b', 'invalid_scope'],
  ])('with %s is refused by oidc-provider, and recorded', async (_name, scope, expected) => {
    expect(outcome(await bot.exchange({ scope }))).toBe(expected);
    expect(world.issued).toEqual([
      {
        time: expect.any(Date),
        granted: false,
        status: 'refused_by_provider',
        claimedClientId: 'bot',
        error: expected,
        reason: expect.stringContaining('scope'),
      },
    ]);
  });

  it('of a client that fails to authenticate is recorded with claimedClientId, not with clientId', async () => {
    const body = new URLSearchParams({ grant_type: GRANT_TOKEN_EXCHANGE, client_id: 'bot' });
    const response = await fetch(`${world.idp.issuer}/token`, { method: 'POST', body });
    expect(response.status).toBe(401);
    expect(world.issued).toHaveLength(1);
    expect(world.issued[0]).toMatchObject({ granted: false, error: 'invalid_client', claimedClientId: 'bot' });
    expect(world.issued[0]).not.toHaveProperty('clientId');
  });
});

describe('an ID-JAG', () => {
  it('has every required claim, and a unique jti', async () => {
    const before = Math.floor(Date.now() / 1000);
    const [first, second] = [decodeJwt(await bot.idJag()), decodeJwt(await bot.idJag())];
    expect(first).toEqual({
      iss: world.idp.issuer,
      sub: 'bot',
      aud: world.as.issuer,
      client_id: 'bot-at-as',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: Number(first.iat) + 300,
      resource: OPAQUE_RESOURCE,
      scope: 'issues:read',
    });
    expect(first.iat).toBeGreaterThanOrEqual(before);
    expect(first.iat).toBeLessThanOrEqual(Date.now() / 1000);
    expect(second.jti).not.toBe(first.jti);
  });

  it('contains a resource once if it was requested twice', async () => {
    const { body } = await bot.exchange({ resource: [JWT_RESOURCE, OPAQUE_RESOURCE, JWT_RESOURCE] });
    expect(body['resource']).toEqual([JWT_RESOURCE, OPAQUE_RESOURCE]);
    expect(decodeJwt(String(body['access_token']))['resource']).toEqual([JWT_RESOURCE, OPAQUE_RESOURCE]);
  });

  it.each<[string, string[]]>([
    ['one', [OPAQUE_RESOURCE]],
    ['several', [OPAQUE_RESOURCE, JWT_RESOURCE]],
    ['none', []],
  ])('has the same resources in its claims and in the response: %s', async (_count, resource) => {
    const { body } = await bot.exchange({ resource });
    const claims = decodeJwt(String(body['access_token']));
    expect('resource' in body).toBe(resource.length > 0);
    expect(body['resource']).toEqual(claims['resource']);
    expect([claims['resource'] ?? []].flat()).toEqual(resource);
  });
});

describe('the audit record', () => {
  it('contains no token and no control character, whichever parameter contained them', async () => {
    const { access_token: own = '' } = await bot.authenticate();
    const forged = `x\n{"granted":true}\u001b[2J ${own}`;
    const sent = { subject_token: own, audience: forged, resource: `urn:x:${own}`, scope: `${own} b` };
    const expected = {
      audience: 'x {"granted":true} [2J [redacted]',
      resource: ['urn:x:[redacted]'],
      requestedScopes: ['[redacted]', 'b'],
    };
    expect(outcome(await bot.exchange(sent))).toBe('granted');
    world.policy = () => ({ granted: false, error: 'invalid_target', reason: `nothing is known of ${forged}` });
    expect(outcome(await bot.exchange(sent))).toBe('invalid_target');
    expect(world.issued).toEqual([
      expect.objectContaining({ ...expected, grantedScopes: ['[redacted]', 'b'] }),
      expect.objectContaining({ ...expected, reason: `nothing is known of ${expected.audience}` }),
    ]);
    expect(world.issued[0]).not.toHaveProperty('secrets');
  });

  it('contains no client secret, whether it was sent by Basic or in the body', async () => {
    const basic = { authorization: `Basic ${btoa(`bound:${IDP_SECRET}`)}` };
    const posted = { client_id: 'bound', client_secret: IDP_SECRET };
    const target = { audience: IDP_SECRET, resource: `urn:x:${IDP_SECRET}`, scope: IDP_SECRET };
    const requests: [Record<string, string>, Record<string, string>][] = [
      [basic, {}],
      [{}, posted],
    ];
    for (const [headers, client] of requests) {
      const body = new URLSearchParams({ grant_type: GRANT_TOKEN_EXCHANGE, subject_token: 'x', ...target, ...client });
      await fetch(`${world.idp.issuer}/token`, { method: 'POST', headers, body });
    }
    expect(world.issued).toMatchObject([{ audience: '[redacted]', resource: ['urn:x:[redacted]'] }, {}]);
    expect(JSON.stringify(world.issued)).not.toContain(IDP_SECRET);
  });

  it('contains the requested audience and scopes even if the subject token has the same text', async () => {
    const audience = 'https://production-authorization-server.example';
    for (const token of [audience, 'production-authorization-server', 'issues:read']) {
      await bot.exchange({ audience, subject_token: token });
      expect(world.issued.at(-1)).toMatchObject({ granted: false, audience, requestedScopes: ['issues:read'] });
    }
  });

  it('limits the length of texts and lists', async () => {
    const scope = Array.from({ length: 60 }, (_, index) => `s${index}`).join(' ');
    await bot.exchange({ audience: `https://a.example/${'a'.repeat(1000)}`, scope });
    const [{ audience = '', requestedScopes = [] } = {}] = world.issued;
    expect(audience).toHaveLength(300);
    expect(requestedScopes).toHaveLength(51);
    expect(requestedScopes.slice(-2)).toEqual(['s49', 'and 10 more']);
  });

  it('is written before the response, and no ID-JAG is issued if that fails', async () => {
    const broken = await startWorld({
      issue: {
        audit: async ({ granted, reason = '' }) => {
          await new Promise((resolve) => {
            setTimeout(resolve, 5);
          });
          broken.issued.push({ time: new Date(), granted, status: 'seen', reason });
          throw new RangeError('the disk is full');
        },
      },
    });
    try {
      const client = new Bot(broken);
      expect(await client.exchange()).toMatchObject({ status: 500, body: { error: 'server_error' } });
      // the refusal that follows is passed to the callback too
      expect(broken.issued).toMatchObject([{ granted: true }, { granted: false, reason: 'audit failed: RangeError' }]);
      expect(outcome(await client.exchange({ audience: [] }))).toBe('invalid_request');
      expect(broken.issued).toHaveLength(3);
    } finally {
      await broken.close();
    }
  });
});

describe('the subject of a principal', () => {
  it.each<[string, (clientId: string) => string, string]>([
    [
      'throws',
      () => {
        throw new RangeError('secret');
      },
      'subject failed: RangeError',
    ],
    ['returns undefined', () => undefined as unknown as string, 'subject returned no subject identifier'],
  ])('is not the client id if the callback %s', async (_name, subject, reason) => {
    const own = await startWorld({ issue: { subject } });
    try {
      expect(await new Bot(own).exchange()).toMatchObject({ status: 500, body: { error: 'server_error' } });
      expect(own.issued).toMatchObject([{ granted: false, status: 'failed', reason }]);
    } finally {
      await own.close();
    }
  });
});

describe('the options', () => {
  it.each<[string, object]>([
    ['policy', { policy: undefined }],
    ['policy', { policy: { granted: true } }],
    ['signingKeys', { signingKeys: undefined }],
    ['signingKeys', { signingKeys: { keys: [] } }],
    ['subject', { subject: 'bot' }],
    ['audit', { audit: 'x' }],
    ['now', { now: new Date() }],
    ['allowPublicClients', { allowPublicClients: 'false' }],
    ['onAudit', { onAudit: () => undefined }],
    ['workloadPlatforms', { workloadPlatforms: 'https://ci.example' }],
  ])('with an invalid %s are refused: %j', (name, options) => {
    const { signingKeys } = world;
    const { provider } = world.idp;
    const given = () => addIdJagExchange(provider, { signingKeys, policy: generousPolicy, ...options });
    expect(given).toThrow(TypeError);
    expect(given).toThrow(name);
  });

  it('of issuePrincipalIdTokens are refused if they are invalid', () => {
    const { signingKeys } = world;
    for (const options of [{ subject: 'bot' }, { claim: () => ({}) }, { signingKeys: undefined }]) {
      expect(() => issuePrincipalIdTokens(world.idp.provider, { signingKeys, ...(options as object) })).toThrow(
        TypeError,
      );
    }
  });

  it.each([Number.NaN, 0, -1, 1.5])('with a lifetime of %s seconds are refused', (lifetimeSeconds) => {
    const { provider } = world.idp;
    const { signingKeys } = world;
    expect(() => addIdJagExchange(provider, { signingKeys, policy: generousPolicy, lifetimeSeconds })).toThrow(
      'addIdJagExchange: lifetimeSeconds',
    );
    expect(() => issuePrincipalIdTokens(provider, { signingKeys, lifetimeSeconds })).toThrow(
      'issuePrincipalIdTokens: lifetimeSeconds',
    );
  });
});

describe('a client registered', () => {
  const exchangeAs = async (clientId: string, parameters: Record<string, string>, dpop?: string): Promise<Answer> => {
    const basic = Buffer.from(`${clientId}:${IDP_SECRET}`).toString('base64');
    const response = await fetch(`${world.idp.issuer}/token`, {
      method: 'POST',
      headers: {
        ...(clientId !== 'public' && { authorization: `Basic ${basic}` }),
        ...(dpop !== undefined && { dpop }),
      },
      body: new URLSearchParams({
        ...(clientId === 'public' && { client_id: clientId }),
        grant_type: GRANT_TOKEN_EXCHANGE,
        requested_token_type: TOKEN_TYPE_ID_JAG,
        subject_token_type: TOKEN_TYPE_ID_TOKEN,
        audience: world.as.issuer,
        ...parameters,
      }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const principalIdToken = (clientId: string) => {
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: world.idp.issuer, sub: clientId, aud: clientId, azp: clientId, gty: 'client_credentials' };
    return world.signingKeys.sign({ ...claims, iat, exp: iat + 60 }, { typ: 'JWT' });
  };

  it('without authentication gets no ID-JAG', async () => {
    const answer = await exchangeAs('public', { subject_token: await principalIdToken('public') });
    expect(outcome(answer)).toBe('unauthorized_client');
  });

  it('with dpop_bound_access_tokens needs a DPoP proof, which is accepted once', async () => {
    const request = { subject_token: await principalIdToken('bound') };
    expect((await exchangeAs('bound', request)).body).toMatchObject({
      error: 'invalid_grant',
      error_description: expect.any(String),
    });
    expect(world.issued.at(-1)).toMatchObject({ reason: 'DPoP proof JWT not provided' });
    const proof = await dpopProof(`${world.idp.issuer}/token`);
    expect(outcome(await exchangeAs('bound', request, proof))).toBe('granted');
    expect(outcome(await exchangeAs('bound', request, proof))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({ reason: 'DPoP proof JWT Replay detected' });
  });

  it('with dpop_bound_access_tokens is refused with a DPoP proof for another method or URL', async () => {
    const request = { subject_token: await principalIdToken('bound') };
    const proofs = [
      await dpopProof(`${world.as.issuer}/token`),
      await dpopProof(`${world.idp.issuer}/other`),
      await dpopProof(`${world.idp.issuer}/token`, 'GET'),
    ];
    for (const proof of proofs) {
      expect(outcome(await exchangeAs('bound', request, proof))).toBe('invalid_dpop_proof');
      expect(world.issued.at(-1)).toMatchObject({ granted: false, status: 'proof_refused' });
    }
  });

  it('for ID tokens with a symmetric algorithm cannot sign an ID token for another subject', async () => {
    const forged = await new SignJWT({ sub: 'admin' })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(world.idp.issuer)
      .setAudience('symmetric')
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode(IDP_SECRET));
    const client = await world.idp.provider.Client.find('symmetric');
    if (client === undefined) throw new Error('no client');
    // oidc-provider itself accepts the forged ID token
    await expect(world.idp.provider.IdToken.validate(forged, client)).resolves.toMatchObject({
      payload: { sub: 'admin' },
    });
    expect(outcome(await exchangeAs('symmetric', { subject_token: forged }))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({ reason: 'the signature algorithm is not allowed' });
  });
});

describe('the published keys', () => {
  it('verify ID-JAGs, include the keys of oidc-provider, and contain no private key', async () => {
    const response = await fetch(`${world.idp.issuer}/jwks`);
    expect(response.headers.get('content-type')).toContain('application/jwk-set+json');
    const jwks = (await response.json()) as JSONWebKeySet;
    await jwtVerify(await bot.idJag(), createLocalJWKSet(jwks));
    expect(jwks.keys.length).toBeGreaterThanOrEqual(3);
    expect(jwks.keys.filter((key) => key.d !== undefined)).toEqual([]);
  });
});
