import { TOKEN_TYPE_ACCESS_TOKEN } from '@credence/protocol';
import { GrantRefusal } from '@credence/authorization-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Bot, outcome } from '../../../../test/support/roles/bot.ts';
import {
  generousPolicy,
  JWT_RESOURCE,
  OPAQUE_RESOURCE,
  startWorld,
  type World,
} from '../../../../test/support/roles/world.ts';
import { type IdJagDecision } from './policy.ts';

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

describe('the policy', () => {
  it('denies with a reason that only the audit record contains', async () => {
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

  it('can deny with a description for the client, or by throwing a GrantRefusal', async () => {
    world.policy = () => ({ granted: false, error: 'invalid_target', reason: 'r', description: 'ask it-desk@acme' });
    expect((await bot.exchange()).body).toEqual({ error: 'invalid_target', error_description: 'ask it-desk@acme' });
    world.policy = () => {
      throw new GrantRefusal('invalid_scope', 'no such scope');
    };
    expect(outcome(await bot.exchange())).toBe('invalid_scope');
  });

  it('that throws an error issues nothing, and the response and the audit record do not contain the message', async () => {
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
    ['resource', { ...granted, resource: 'mcp' }],
    ['resource', { ...granted, resource: `${OPAQUE_RESOURCE}#x` }],
    ['resource.1', { ...granted, resource: [OPAQUE_RESOURCE, 'mcp'] }],
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
  ])(
    'with an invalid %s in its decision issues nothing, and the audit record names the member: %j',
    async (members, decision) => {
      world.policy = () => decision as IdJagDecision;
      expect(await bot.exchange()).toMatchObject({ status: 500, body: { error: 'server_error' } });
      expect(world.issued).toEqual([
        expect.objectContaining({
          granted: false,
          status: 'failed',
          error: 'server_error',
          reason: `the policy's decision is invalid: ${members}`,
        }),
      ]);
    },
  );

  it('that returns undefined issues nothing', async () => {
    world.policy = () => undefined as unknown as IdJagDecision;
    expect(await bot.exchange()).toMatchObject({ status: 500, body: { error: 'server_error' } });
    expect(world.issued.at(-1)).toMatchObject({ status: 'failed', reason: 'the policy returned no decision' });
  });

  it('can give a reason for a grant, which the audit record contains in one line', async () => {
    world.policy = ({ scopes }) => ({ granted: true, clientId: 'bot-at-as', scopes, reason: 'by ticket\n4711' });
    expect(JSON.stringify((await bot.exchange()).body)).not.toContain('4711');
    expect(world.issued.at(-1)).toMatchObject({ granted: true, status: 'granted', reason: 'by ticket 4711' });
  });

  it('cannot grant scopes that were not requested, and the request fails if no requested scope is granted', async () => {
    world.policy = () => ({ granted: true, clientId: 'bot-at-as', scopes: ['issues:read', 'admin'] });
    expect((await bot.exchange({ scope: 'issues:read issues:write' })).body).toMatchObject({ scope: 'issues:read' });
    expect(world.issued.at(-1)).toMatchObject({
      requestedScopes: ['issues:read', 'issues:write'],
      grantedScopes: ['issues:read'],
    });
    expect(outcome(await bot.exchange({ scope: 'issues:write' }))).toBe('invalid_scope');
    world.policy = () => ({ granted: true, clientId: 'bot-at-as', scopes: [] });
    expect(outcome(await bot.exchange({ scope: [] }))).toBe('invalid_scope');
  });

  it('cannot grant a resource that was not requested', async () => {
    world.policy = () => ({ granted: true, clientId: 'bot-at-as', resource: JWT_RESOURCE });
    expect(outcome(await bot.exchange({ resource: OPAQUE_RESOURCE }))).toBe('invalid_target');
    expect((await bot.exchange({ resource: [] })).body).toMatchObject({ resource: JWT_RESOURCE });
  });

  it('that grants an empty list of resources grants nothing', async () => {
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

  it('sets subject, audience, client, lifetime, algorithm and further claims, but not the claims that the protocol sets', async () => {
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

const GRANT = { granted: true, clientId: 'bot-at-as', scopes: ['issues:read'] } as const;

describe('an ID-JAG of a custom policy', () => {
  const resourcesOf = (answer: Awaited<ReturnType<Bot['exchange']>>) =>
    decodeJwt(String(answer.body['access_token']))['resource'];

  it('names each resource once if the policy grants it twice', async () => {
    world.policy = () => ({
      ...GRANT,
      resource: [OPAQUE_RESOURCE, OPAQUE_RESOURCE, 'https://mcp.example', 'https://mcp.example/'],
    });
    const answer = await bot.exchange({ resource: [] });
    expect(resourcesOf(answer)).toEqual([OPAQUE_RESOURCE, 'https://mcp.example']);
    expect(answer.body['resource']).toEqual([OPAQUE_RESOURCE, 'https://mcp.example']);
  });

  it('has the resource in the spelling of the request if the policy grants it in another', async () => {
    world.policy = () => ({ ...GRANT, resource: 'https://MCP.example:443' });
    expect(resourcesOf(await bot.exchange({ resource: 'https://mcp.example/' }))).toBe('https://mcp.example/');
  });

  it.each([
    'HTTPS://mcp.example/mcp',
    'https://MCP.example/mcp',
    'https://mcp.example:443/mcp',
    'https://mcp.example/%6dcp',
  ])('is refused with invalid_target if the request spells the resource %s', async (resource) => {
    expect(outcome(await bot.exchange({ resource }))).toBe('invalid_target');
    expect(world.issued).toMatchObject([{ status: 'malformed_request' }]);
  });
});

describe('with targets, the resources of an ID-JAG belong to its audience', () => {
  const OTHER_AS = 'https://other-as.example';
  let own: World;
  let client: Bot;

  beforeAll(async () => {
    own = await startWorld({
      issue: {
        targets: { 'https://as.example': [OPAQUE_RESOURCE], [OTHER_AS]: ['https://crm.example'] },
      },
    });
    client = new Bot(own);
  });
  afterAll(() => own.close());
  beforeEach(() => {
    own.policy = generousPolicy;
    own.issued.length = 0;
  });

  it.each<[string, string, string | string[], unknown]>([
    ['grants a resource of the audience', 'https://as.example', OPAQUE_RESOURCE, 'granted'],
    ['grants it with a final slash', OTHER_AS, 'https://crm.example/', 'granted'],
    ['grants no resource', OTHER_AS, [], 'granted'],
    ['refuses a resource of another audience', OTHER_AS, OPAQUE_RESOURCE, 'invalid_target'],
    ['refuses one of two resources', OTHER_AS, ['https://crm.example', OPAQUE_RESOURCE], 'invalid_target'],
    ['refuses an unknown resource', OTHER_AS, 'https://unknown.example', 'invalid_target'],
    ['refuses an unknown audience', 'https://unknown.example', OPAQUE_RESOURCE, 'invalid_target'],
    ['refuses the name of an object property', '__proto__', OPAQUE_RESOURCE, 'invalid_target'],
  ])('%s', async (_name, audience, resource, expected) => {
    expect(outcome(await client.exchange({ audience, resource }))).toBe(expected);
    if (expected !== 'granted') expect(own.issued).toMatchObject([{ granted: false, status: 'denied_by_policy' }]);
  });

  it('compares the audience and the resource that the policy grants', async () => {
    own.policy = () => ({ ...GRANT, audience: OTHER_AS });
    expect(outcome(await client.exchange({ audience: 'urn:crm', resource: 'https://crm.example' }))).toBe('granted');
    expect(outcome(await client.exchange({ audience: 'urn:crm', resource: OPAQUE_RESOURCE }))).toBe('invalid_target');
    own.policy = () => ({ ...GRANT, resource: OPAQUE_RESOURCE });
    expect(outcome(await client.exchange({ audience: OTHER_AS, resource: [] }))).toBe('invalid_target');
  });
});
