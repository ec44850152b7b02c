import {
  GRANT_JWT_BEARER,
  GRANT_JWT_DPOP,
  GRANT_TOKEN_EXCHANGE,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_JAG_MISSPELT,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_JWT,
  TOKEN_TYPE_REFRESH_TOKEN,
  TOKEN_TYPE_SAML2,
} from '@credence/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  SignJWT,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
  type JSONWebKeySet,
  UnsecuredJWT,
} from 'jose';
import * as oauth from 'oauth4webapi';
import { type Answer, Bot } from '../../test-support/bot.ts';
import { dpopProof } from '../../test-support/tokens.ts';
import {
  generousPolicy,
  IDP_SECRET,
  JWT_RESOURCE,
  OPAQUE_RESOURCE,
  startWorld,
  type World,
} from '../../test-support/world.ts';
import {
  GrantRefusal,
  type IdJagDecision,
  type IdJagRequest,
  issueIdJag,
  issuePrincipalIdTokens,
  type IssueStatus,
  redeemIdJag,
} from '../index.ts';

let world: World;
let bot: Bot;
let other: Bot;

beforeAll(async () => {
  world = await startWorld({ algorithms: ['ES256', 'EdDSA'] });
  bot = new Bot(world);
  other = new Bot(world, 'other');
});
afterAll(() => world.close());
beforeEach(() => {
  world.policy = generousPolicy;
  world.issued.length = 0;
});

function error(answer: Answer): unknown {
  return answer.status === 200 ? 'granted' : answer.body['error'];
}

async function dpopHandle(): Promise<oauth.DPoPHandle> {
  return oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
}

/** Remembers what the policy was asked. */
function spyingPolicy(): IdJagRequest[] {
  const asked: IdJagRequest[] = [];
  world.policy = (request) => {
    asked.push(request);
    return generousPolicy(request);
  };
  return asked;
}

describe('the request', () => {
  it('reaches the policy as plain values', async () => {
    const asked = spyingPolicy();
    await bot.exchange({ resource: [OPAQUE_RESOURCE, JWT_RESOURCE], scope: 'a b' });
    expect(asked).toEqual([
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

  it('without a scope asks for the default grant', async () => {
    const asked = spyingPolicy();
    const { body } = await bot.exchange({ scope: [] });
    expect(asked[0]?.scopes).toBeUndefined();
    expect(body).toMatchObject({ scope: 'issues:read issues:write' });
  });

  it.each<[string, IssueStatus, Record<string, string | string[]>, string, string]>([
    [
      'a misspelt token type',
      'malformed_request',
      { requested_token_type: TOKEN_TYPE_ID_JAG_MISSPELT },
      'invalid_request',
      'misspelt',
    ],
    [
      'another token type',
      'malformed_request',
      { requested_token_type: TOKEN_TYPE_ACCESS_TOKEN },
      'invalid_request',
      TOKEN_TYPE_ID_JAG,
    ],
    ['no token type', 'malformed_request', { requested_token_type: [] }, 'invalid_request', TOKEN_TYPE_ID_JAG],
    ['no audience', 'malformed_request', { audience: [] }, 'invalid_request', 'audience is required'],
    [
      'two audiences',
      'malformed_request',
      { audience: ['https://a.example', 'https://b.example'] },
      'invalid_target',
      'one audience',
    ],
    ['itself as the audience', 'denied_by_policy', { audience: 'SELF' }, 'invalid_target', 'does not redeem its own'],
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
      'an actor token type alone',
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
      'authorization_details that are none',
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
  ])('with %s is refused by the provider itself, and recorded', async (_name, scope, expected) => {
    expect(error(await bot.exchange({ scope }))).toBe(expected);
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

  it('of a client that fails to authenticate is recorded without a client', async () => {
    const body = new URLSearchParams({ grant_type: GRANT_TOKEN_EXCHANGE, client_id: 'bot' });
    const response = await fetch(`${world.idp.issuer}/token`, { method: 'POST', body });
    expect(response.status).toBe(401);
    expect(world.issued).toHaveLength(1);
    expect(world.issued[0]).toMatchObject({ granted: false, error: 'invalid_client', claimedClientId: 'bot' });
    expect(world.issued[0]).not.toHaveProperty('clientId');
  });
});

describe('the policy', () => {
  it('denies with a reason that only the audit record has', async () => {
    world.policy = () => ({
      granted: false,
      error: 'access_denied',
      reason: 'group bots is not assigned to the application linear',
    });
    expect(await bot.exchange()).toEqual({
      status: 400,
      body: { error: 'access_denied', error_description: 'the policy of this identity provider does not allow it' },
    });
    expect(world.issued).toEqual([
      {
        time: expect.any(Date),
        granted: false,
        status: 'denied_by_policy',
        clientId: 'bot',
        subject: 'bot',
        subjectTokenType: TOKEN_TYPE_ACCESS_TOKEN,
        audience: world.as.issuer,
        resource: [OPAQUE_RESOURCE],
        requestedScopes: ['issues:read'],
        error: 'access_denied',
        reason: 'group bots is not assigned to the application linear',
      },
    ]);
  });

  it('denies with a description for the client, or by throwing a GrantRefusal', async () => {
    world.policy = () => ({ granted: false, error: 'invalid_target', reason: 'r', description: 'ask it-desk@acme' });
    expect((await bot.exchange()).body).toEqual({ error: 'invalid_target', error_description: 'ask it-desk@acme' });
    world.policy = () => {
      throw new GrantRefusal('invalid_scope', 'no such scope');
    };
    expect(error(await bot.exchange())).toBe('invalid_scope');
  });

  it('that breaks issues nothing and says nothing', async () => {
    world.policy = () => {
      throw new Error('database password is hunter2');
    };
    const answer = await bot.exchange();
    expect(answer.status).toBe(500);
    expect(JSON.stringify([answer, world.issued])).not.toContain('hunter2');
    expect(answer.body).toEqual({ error: 'server_error', error_description: 'the request failed' });
    expect(world.issued).toEqual([
      expect.objectContaining({ granted: false, status: 'failed', subject: 'bot', reason: 'policy failed: Error' }),
    ]);
  });

  const granted = { granted: true, clientId: 'bot-at-as', scopes: ['issues:read'] };
  it.each<[string, unknown]>([
    ['clientId', { granted: true }],
    ...[null, 7, ''].map((clientId): [string, unknown] => ['clientId', { ...granted, clientId }]),
    ['granted', { ...granted, granted: 'false' }],
    ['granted', {}],
    ['subject', { ...granted, subject: '' }],
    ['audience', { ...granted, audience: '' }],
    ['resource', { ...granted, resource: '' }],
    ['scopes.0', { ...granted, scopes: [''] }],
    ['scopes.1', { ...granted, scopes: ['issues:read', 'a b'] }],
    ['authorizationDetails.0.type', { ...granted, authorizationDetails: [{}] }],
    ...[0, -1, 1.5, Number.NaN].flatMap((seconds): [string, unknown][] => [
      ['lifetimeSeconds', { ...granted, lifetimeSeconds: seconds }],
      ['maxLifetimeSeconds', { ...granted, maxLifetimeSeconds: seconds }],
    ]),
    ['clientId, subject', { granted: true, subject: '' }],
    ['error', { granted: false, reason: 'no' }],
    ['maxAgeSeconds', { granted: false, error: 'access_denied', reason: 'no', maxAgeSeconds: Number.NaN }],
  ])('that is wrong in %s issues nothing, and the record says so: %j', async (members, decision) => {
    world.policy = () => decision as IdJagDecision;
    expect(await bot.exchange()).toMatchObject({ status: 500, body: { error: 'server_error' } });
    expect(world.issued).toEqual([
      expect.objectContaining({
        granted: false,
        status: 'failed',
        error: 'server_error',
        reason: `the policy's decision is not right: ${members}`,
      }),
    ]);
  });

  it('that forgets to answer issues nothing', async () => {
    world.policy = () => undefined as unknown as IdJagDecision;
    expect(await bot.exchange()).toMatchObject({ status: 500, body: { error: 'server_error' } });
    expect(world.issued.at(-1)).toMatchObject({ status: 'failed', reason: "the policy's answer is no decision" });
  });

  it('says for the record why it granted, in one line', async () => {
    world.policy = ({ scopes }) => ({ granted: true, clientId: 'bot-at-as', scopes, reason: 'by ticket\n4711' });
    expect(JSON.stringify((await bot.exchange()).body)).not.toContain('4711');
    expect(world.issued.at(-1)).toMatchObject({ granted: true, status: 'granted', reason: 'by ticket 4711' });
  });

  it('cannot give more scopes than were requested, and none of them is an error', async () => {
    world.policy = () => ({ granted: true, clientId: 'bot-at-as', scopes: ['issues:read', 'admin'] });
    expect((await bot.exchange({ scope: 'issues:read issues:write' })).body).toMatchObject({ scope: 'issues:read' });
    expect(world.issued.at(-1)).toMatchObject({
      requestedScopes: ['issues:read', 'issues:write'],
      grantedScopes: ['issues:read'],
    });
    expect(error(await bot.exchange({ scope: 'issues:write' }))).toBe('invalid_scope');
    world.policy = () => ({ granted: true, clientId: 'bot-at-as', scopes: [] });
    expect(error(await bot.exchange({ scope: [] }))).toBe('invalid_scope');
  });

  it('cannot give a resource that was not requested', async () => {
    world.policy = () => ({ granted: true, clientId: 'bot-at-as', resource: JWT_RESOURCE });
    expect(error(await bot.exchange({ resource: OPAQUE_RESOURCE }))).toBe('invalid_target');
    expect((await bot.exchange({ resource: [] })).body).toMatchObject({ resource: JWT_RESOURCE });
  });

  it('that leaves none of the resources grants nothing, and not all of them', async () => {
    world.policy = ({ resources }) => ({
      granted: true,
      clientId: 'bot-at-as',
      resource: resources.filter((resource) => resource === OPAQUE_RESOURCE),
    });
    for (const resource of [JWT_RESOURCE, []]) {
      expect((await bot.exchange({ resource })).body).toEqual({
        error: 'invalid_target',
        error_description: 'the resource cannot be granted',
      });
      expect(world.issued.at(-1)).toMatchObject({ granted: false, reason: 'the policy grants no resource' });
    }
    const { body } = await bot.exchange({ resource: [OPAQUE_RESOURCE, JWT_RESOURCE] });
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ resource: OPAQUE_RESOURCE });
    expect(world.issued.at(-1)).toMatchObject({ granted: true, resource: [OPAQUE_RESOURCE] });
  });

  it('sets subject, audience, client, lifetime, algorithm and claims, but not what the protocol sets', async () => {
    world.policy = () => ({
      granted: true,
      clientId: 'bot-at-as',
      subject: 'pairwise-1',
      audience: 'https://as.example',
      lifetimeSeconds: 60,
      algorithm: 'EdDSA',
      scopes: ['issues:read'],
      authorizationDetails: [{ type: 'mcp', tool: 'x' }],
      claims: {
        email: 'bot@acme.example',
        iss: 'https://evil.example',
        sub: 'admin',
        scope: 'admin',
        cnf: { jkt: 'x' },
        nbf: 1,
      },
    });
    const { body } = await bot.exchange({ audience: 'urn:acme:linear' });
    expect(body).toMatchObject({ expires_in: 60, authorization_details: [{ type: 'mcp', tool: 'x' }] });
    const assertion = String(body['access_token']);
    expect(decodeProtectedHeader(assertion).alg).toBe('EdDSA');
    const claims = decodeJwt(assertion);
    expect(claims).toMatchObject({
      iss: world.idp.issuer,
      sub: 'pairwise-1',
      aud: 'https://as.example',
      client_id: 'bot-at-as',
      scope: 'issues:read',
      email: 'bot@acme.example',
      authorization_details: [{ type: 'mcp', tool: 'x' }],
    });
    expect(claims).not.toHaveProperty('cnf');
    expect(claims).not.toHaveProperty('nbf');
    expect(Number(claims.exp) - Number(claims.iat)).toBe(60);
    expect(world.issued.at(-1)).toMatchObject({ granted: true, jti: claims.jti, audience: 'https://as.example' });
    expect(JSON.stringify(world.issued)).not.toContain(assertion.split('.')[2]);
  });
});

describe('the audit record', () => {
  it('holds no token and no control character, whichever parameter they were sent in', async () => {
    const { access_token: own = '' } = await bot.authenticate();
    const forged = `x\n{"granted":true}\u001b[2J ${own}`;
    const sent = { subject_token: own, audience: forged, resource: `urn:x:${own}`, scope: `${own} b` };
    const expected = {
      audience: 'x {"granted":true} [2J [redacted]',
      resource: ['urn:x:[redacted]'],
      requestedScopes: ['[redacted]', 'b'],
    };
    expect(error(await bot.exchange(sent))).toBe('granted');
    world.policy = () => ({ granted: false, error: 'invalid_target', reason: `nothing is known of ${forged}` });
    expect(error(await bot.exchange(sent))).toBe('invalid_target');
    expect(world.issued).toEqual([
      expect.objectContaining({ ...expected, grantedScopes: ['[redacted]', 'b'] }),
      expect.objectContaining({ ...expected, reason: `nothing is known of ${expected.audience}` }),
    ]);
    expect(world.issued[0]).not.toHaveProperty('secrets');
  });

  it('names what was asked for, whatever is sent as a token', async () => {
    const audience = 'https://production-authorization-server.example';
    for (const token of [audience, 'production-authorization-server', 'issues:read']) {
      await bot.exchange({ audience, subject_token: token });
      expect(world.issued.at(-1)).toMatchObject({ granted: false, audience, requestedScopes: ['issues:read'] });
    }
  });

  it('is bounded', async () => {
    const scope = Array.from({ length: 60 }, (_, index) => `s${index}`).join(' ');
    await bot.exchange({ audience: `https://a.example/${'a'.repeat(1000)}`, scope });
    const [{ audience = '', requestedScopes = [] } = {}] = world.issued;
    expect(audience).toHaveLength(300);
    expect(requestedScopes).toHaveLength(51);
    expect(requestedScopes.slice(-2)).toEqual(['s49', 'and 10 more']);
  });

  it('is written before the answer, and where it cannot be nothing is issued', async () => {
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
      // The refusal that comes of it is offered to the callback as well.
      expect(broken.issued).toMatchObject([{ granted: true }, { granted: false, reason: 'audit failed: RangeError' }]);
      expect(error(await client.exchange({ audience: [] }))).toBe('invalid_request');
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
    ['answers nothing', () => undefined as unknown as string, 'subject returned no subject identifier'],
  ])('is not its client id where the callback %s', async (_name, subject, reason) => {
    const own = await startWorld({ issue: { subject } });
    try {
      expect(await new Bot(own).exchange()).toMatchObject({ status: 500, body: { error: 'server_error' } });
      expect(own.issued).toMatchObject([{ granted: false, status: 'failed', reason }]);
    } finally {
      await own.close();
    }
  });
});

describe('options', () => {
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
  ])('with %s that cannot be meant are refused: %j', (name, options) => {
    const { signingKeys } = world;
    const { provider } = world.idp;
    const given = () => issueIdJag(provider, { signingKeys, policy: generousPolicy, ...options });
    expect(given).toThrow(TypeError);
    expect(given).toThrow(name);
  });

  it('of principal ID tokens that cannot be meant are refused', () => {
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
    expect(() => issueIdJag(provider, { signingKeys, policy: generousPolicy, lifetimeSeconds })).toThrow(
      'issueIdJag: lifetimeSeconds',
    );
    expect(() => issuePrincipalIdTokens(provider, { signingKeys, lifetimeSeconds })).toThrow(
      'issuePrincipalIdTokens: lifetimeSeconds',
    );
  });
});

describe("the principal's own access token", () => {
  it('is accepted from the client it was issued to only', async () => {
    const own = await bot.authenticate();
    expect(error(await other.exchange({ subject_token: own['access_token'] ?? '' }))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({ reason: 'the subject token was issued to another client' });
    expect(error(await bot.exchange({ subject_token: own['access_token'] ?? '' }))).toBe('granted');
  });

  it('that is bound needs a proof by its key, and binds the ID-JAG', async () => {
    const dpop = await dpopHandle();
    const own = await bot.authenticate(undefined, dpop);
    expect(own['token_type']).toBe('DPoP');
    const request = {
      requested_token_type: TOKEN_TYPE_ID_JAG,
      subject_token: own['access_token'] ?? '',
      subject_token_type: TOKEN_TYPE_ACCESS_TOKEN,
      audience: world.as.issuer,
    };
    expect(error(await bot.exchangeRaw(request))).toBe('invalid_grant');
    expect(error(await bot.exchangeRaw(request, await dpopHandle()))).toBe('invalid_grant');
    const { body } = await bot.exchangeRaw(request, dpop);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({ cnf: { jkt: await dpop.calculateThumbprint() } });
    expect(world.issued.at(-1)).toMatchObject({ granted: true, bound: true });
  });

  it('that was destroyed is refused', async () => {
    const own = await bot.authenticate();
    const token = await world.idp.provider.ClientCredentials.find(own['access_token'] ?? '');
    await token?.destroy();
    expect(error(await bot.exchange({ subject_token: own['access_token'] ?? '' }))).toBe('invalid_grant');
  });
});

describe('an access token that is not the own one', () => {
  const refused = async (token: string, reason: string) => {
    expect(error(await bot.exchange({ subject_token: token }))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({
      granted: false,
      status: 'subject_token_refused',
      reason: expect.stringContaining(reason),
    });
  };
  const registered = async () => {
    const client = await world.idp.provider.Client.find('bot');
    if (client === undefined) throw new Error('no client');
    return client;
  };

  it('because it has expired is refused', async () => {
    const token = new world.idp.provider.ClientCredentials({ client: await registered(), scope: '' });
    token.exp = Math.floor(Date.now() / 1000) - 1;
    await refused(await token.save(), 'expired');
  });

  it("because it is a user's is refused: it says what this client may do, not who the client is", async () => {
    const token = new world.idp.provider.AccessToken({
      client: await registered(),
      accountId: 'alice',
      grantId: 'grant',
      gty: 'authorization_code',
      scope: 'openid',
    });
    await refused(await token.save(), 'unknown');
  });

  it('because it is bound to a certificate is refused', async () => {
    const token = new world.idp.provider.ClientCredentials({ client: await registered(), scope: '' });
    token['x5t#S256'] = 'thumbprint';
    await refused(await token.save(), 'certificate-bound');
  });

  it('because another provider issued it is refused', async () => {
    const elsewhere = await startWorld();
    try {
      const { access_token: token = '' } = await new Bot(elsewhere).authenticate();
      await refused(token, 'unknown');
    } finally {
      await elsewhere.close();
    }
  });

  it.each([TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_REFRESH_TOKEN, TOKEN_TYPE_JWT])(
    'because it is an ID-JAG is refused as %s',
    async (type) => {
      const asked = spyingPolicy();
      const idJag = await bot.idJag();
      expect(asked).toHaveLength(1);
      const answer = await bot.exchange({ subject_token: idJag, subject_token_type: type });
      expect(error(answer)).toBe('invalid_grant');
      expect(asked).toHaveLength(1);
    },
  );

  it('is never what an ID-JAG of this provider is redeemed for here', async () => {
    const idJag = await bot.idJag();
    const { privateKey } = world.keys.bot;
    for (const grantType of [GRANT_JWT_BEARER, GRANT_JWT_DPOP]) {
      const response = await oauth.genericTokenEndpointRequest(
        bot.idp(),
        { client_id: 'bot' },
        oauth.PrivateKeyJwt({ key: privateKey, kid: 'bot' }),
        grantType,
        { assertion: idJag },
        { [oauth.allowInsecureRequests]: true },
      );
      expect(await response.json()).toMatchObject({ error: 'unsupported_grant_type' });
    }
    expect(error(await bot.exchange({ requested_token_type: TOKEN_TYPE_ACCESS_TOKEN, subject_token: idJag }))).toBe(
      'invalid_request',
    );
    // Nor can it be switched on: an identity provider that redeems does not trust itself.
    const trustItself = () =>
      redeemIdJag(world.idp.provider, {
        issuers: { [world.idp.issuer]: {} },
        resources: { [OPAQUE_RESOURCE]: { scopes: ['issues:read'] } },
      });
    expect(trustItself).toThrow('of itself');
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

  it('without authentication is issued nothing', async () => {
    const answer = await exchangeAs('public', { subject_token: await principalIdToken('public') });
    expect(error(answer)).toBe('unauthorized_client');
  });

  it('for bound tokens needs a proof, which is accepted once', async () => {
    const request = { subject_token: await principalIdToken('bound') };
    expect((await exchangeAs('bound', request)).body).toMatchObject({
      error: 'invalid_grant',
      error_description: expect.any(String),
    });
    expect(world.issued.at(-1)).toMatchObject({ reason: 'DPoP proof JWT not provided' });
    const proof = await dpopProof(`${world.idp.issuer}/token`);
    expect(error(await exchangeAs('bound', request, proof))).toBe('granted');
    expect(error(await exchangeAs('bound', request, proof))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({ reason: 'DPoP proof JWT Replay detected' });
  });

  it('for ID tokens signed with its own secret cannot make one for whom it likes', async () => {
    const forged = await new SignJWT({ sub: 'admin' })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(world.idp.issuer)
      .setAudience('symmetric')
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode(IDP_SECRET));
    const client = await world.idp.provider.Client.find('symmetric');
    if (client === undefined) throw new Error('no client');
    // The provider by itself takes it for its own.
    await expect(world.idp.provider.IdToken.validate(forged, client)).resolves.toMatchObject({
      payload: { sub: 'admin' },
    });
    expect(error(await exchangeAs('symmetric', { subject_token: forged }))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({ reason: 'the signature algorithm is not allowed' });
  });
});

describe('ID tokens', () => {
  const asIdToken = (token: string) => ({ subject_token: token, subject_token_type: TOKEN_TYPE_ID_TOKEN });

  it('come with client_credentials only where openid is asked for', async () => {
    expect(await bot.authenticate()).not.toHaveProperty('id_token');
    expect(await bot.authenticate('openid')).toHaveProperty('id_token');
  });

  it('of a principal are accepted from that principal only, and known as such to the policy', async () => {
    const asked = spyingPolicy();
    const { id_token: idToken = '' } = await bot.authenticate('openid');
    expect(error(await bot.exchange(asIdToken(idToken)))).toBe('granted');
    expect(asked[0]).toMatchObject({ subject: 'bot', subjectKind: 'principal', claims: { azp: 'bot' } });
    expect(error(await other.exchange(asIdToken(idToken)))).toBe('invalid_grant');
  });

  it('outlive a key rotation', async () => {
    const { id_token: idToken = '' } = await bot.authenticate('openid');
    await world.signingKeys.rotate();
    expect(error(await bot.exchange(asIdToken(idToken)))).toBe('granted');
  });

  it('of a user, signed by the provider itself, are accepted and known as such', async () => {
    const asked = spyingPolicy();
    const client = await world.idp.provider.Client.find('bot');
    if (client === undefined) throw new Error('no client');
    const userToken = new world.idp.provider.IdToken({ sub: 'alice' }, { client });
    userToken.set('sub', 'alice');
    const idToken = await userToken.issue({ use: 'idtoken', expiresAt: Math.floor(Date.now() / 1000) + 60 });
    expect(error(await bot.exchange(asIdToken(idToken)))).toBe('granted');
    expect(asked[0]).toMatchObject({ subject: 'alice', subjectKind: 'user' });
    expect(error(await other.exchange(asIdToken(idToken)))).toBe('invalid_grant');
    const old = await userToken.issue({ use: 'idtoken', expiresAt: Math.floor(Date.now() / 1000) - 60 });
    expect(error(await bot.exchange(asIdToken(old)))).toBe('invalid_grant');
    expect(world.issued.at(-1)).toMatchObject({ reason: 'the ID token has expired' });
  });

  it.each<[string, () => Promise<string> | string]>([
    ['without a signature', () => new UnsecuredJWT({ iss: world.idp.issuer, sub: 'admin', aud: 'bot' }).encode()],
    ['that are ID-JAGs', () => bot.idJag()],
    ['that have expired', () => signed({ exp: Math.floor(Date.now() / 1000) - 60 })],
    ['of another issuer', () => signed({ iss: 'https://other.example' })],
    ['for a second audience', () => signed({ aud: ['bot', 'other'] })],
    ['of no principal', () => signed({ gty: undefined })],
    ['with the type of an access token', () => signed({}, 'at+jwt')],
    ['that are no JWT', () => 'nonsense'],
  ])('%s are refused', async (_name, forge) => {
    expect(error(await bot.exchange(asIdToken(await forge())))).toBe('invalid_grant');
  });

  /** What the principal ID token would be, with some claims replaced. */
  function signed(claims: Record<string, unknown>, typ = 'JWT'): Promise<string> {
    const iat = Math.floor(Date.now() / 1000);
    const good = {
      iss: world.idp.issuer,
      sub: 'bot',
      aud: 'bot',
      azp: 'bot',
      gty: 'client_credentials',
      iat,
      exp: iat + 60,
    };
    return world.signingKeys.sign(JSON.parse(JSON.stringify({ ...good, ...claims })) as Record<string, unknown>, {
      typ,
    });
  }

  it('made the same way and with nothing replaced are accepted', async () => {
    expect(error(await bot.exchange(asIdToken(await signed({}))))).toBe('granted');
  });
});

describe('the published keys', () => {
  it('verify ID-JAGs, beside the keys of the provider, and hold nothing private', async () => {
    const response = await fetch(`${world.idp.issuer}/jwks`);
    expect(response.headers.get('content-type')).toContain('application/jwk-set+json');
    const jwks = (await response.json()) as JSONWebKeySet;
    await jwtVerify(await bot.idJag(), createLocalJWKSet(jwks));
    expect(jwks.keys.length).toBeGreaterThanOrEqual(3);
    expect(jwks.keys.filter((key) => key.d !== undefined)).toEqual([]);
  });
});
