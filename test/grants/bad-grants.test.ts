import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BAD_GRANTS, type BadGrant, goodClaims, goodHeader, ProofKey, SHARED_IDP } from './support/bad-grants.ts';
import { type GrantsWorld, MAKES, startGrantsWorld } from './support/bench.ts';
import { redeem } from './support/redeem.ts';

it('BAD_GRANTS has more than a hundred entries, each with a unique name', () => {
  expect(new Set(BAD_GRANTS.map(({ name }) => name)).size).toBe(BAD_GRANTS.length);
  expect(BAD_GRANTS.length).toBeGreaterThan(100);
});

describe.each(MAKES)('%s', (make) => {
  let world: GrantsWorld;

  beforeAll(async () => {
    world = await startGrantsWorld(make);
  });
  afterAll(() => world.target.close());
  beforeEach(() => {
    world.target.records.length = 0;
  });

  const good = (more: Record<string, unknown> = {}) =>
    world.idp.sign(JSON.stringify({ ...goodClaims(world), ...more }), goodHeader());

  /** Expects the error in the response and in one audit record, and the assertion's signature in neither. */
  async function expectRefused({ make: makeRequest, error }: Pick<BadGrant, 'make' | 'error'>): Promise<void> {
    const { target } = world;
    const before = target.records.length;
    const { assertion, options } = await makeRequest(world);
    const answer = await redeem(target, assertion, options);
    const records = target.records.slice(before);
    expect({ answered: answer.body['error'], records }).toEqual({
      answered: error,
      records: [expect.objectContaining({ granted: false, error, reason: expect.stringMatching(/./u) })],
    });
    expect(answer.status).toBe(error === 'invalid_client' ? 401 : 400);
    expect(answer.body).not.toHaveProperty('access_token');
    expect(answer.cacheControl).toBe('no-store');
    const signature = assertion?.split('.')[2] ?? '';
    if (signature.length > 20) expect(JSON.stringify([answer.body, records])).not.toContain(signature);
  }

  describe('refuses', () => {
    it.each(BAD_GRANTS.map((grant) => [grant.name, grant] as const))(
      'an ID-JAG or a request with the defect "%s"',
      async (_name, grant) => {
        await expectRefused(grant);
      },
    );

    it('a replay, and does not use up an ID-JAG that it refuses', async () => {
      const assertion = await good();
      await expectRefused({
        make: () => Promise.resolve({ assertion, options: { clientId: 'thief' } }),
        error: 'invalid_grant',
      });
      await expect(redeem(world.target, assertion)).resolves.toMatchObject({ status: 200 });
      await expectRefused({ make: () => Promise.resolve({ assertion }), error: 'invalid_grant' });
      expect(world.target.records.at(-1)).toMatchObject({ reason: 'replayed', subject: 'bot-7' });
    });

    it('all but one of many concurrent redemptions of one ID-JAG', async () => {
      const assertion = await good();
      const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(world.target, assertion)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(world.target.records.filter(({ granted }) => !granted)).toHaveLength(9);
    });

    it('a DPoP proof that was used before', async () => {
      const own = await ProofKey.create();
      const proof = await own.proof(world);
      const claims = { cnf: { jkt: own.thumbprint } };
      await expect(redeem(world.target, await good(claims), { proof })).resolves.toMatchObject({ status: 200 });
      const error = make === 'oidc-provider' ? 'invalid_grant' : 'invalid_dpop_proof';
      await expectRefused({ make: async () => ({ assertion: await good(claims), options: { proof } }), error });
    });
  });

  describe('accepts', () => {
    it.each<[string, () => Promise<string>]>([
      ['a valid ID-JAG', () => good()],
      ['aud as a list of one', () => good({ aud: [world.audience] })],
      ['a list with one resource', () => good({ resource: ['https://mcp.example/mcp'] })],
      [
        'an EdDSA signature',
        () =>
          world.idp.sign(
            JSON.stringify(goodClaims(world)),
            { ...goodHeader(), alg: 'EdDSA', kid: 'EdDSA' },
            world.idp.key('EdDSA'),
          ),
      ],
      [
        'an ID-JAG of a trusted tenant',
        () =>
          world.shared.sign(
            JSON.stringify({ ...goodClaims(world), iss: SHARED_IDP, tenant: 'red', aud_tenant: 'acme' }),
            goodHeader(),
          ),
      ],
    ])('%s', async (_name, assertion) => {
      const answer = await redeem(world.target, await assertion());
      expect(answer).toMatchObject({
        status: 200,
        cacheControl: 'no-store',
        body: { token_type: 'Bearer', scope: 'issues:read', expires_in: 300, resource: 'https://mcp.example/mcp' },
      });
      expect(answer.body).not.toHaveProperty('refresh_token');
      expect(world.target.records).toEqual([
        expect.objectContaining({ granted: true, clientId: 'bot', subject: 'bot-7' }),
      ]);
    });

    it('an ID-JAG bound to a key with a DPoP proof of that key, with each grant type', async () => {
      const own = await ProofKey.create();
      for (const grantType of ['jwt-dpop', 'jwt-bearer'].map((name) => `urn:ietf:params:oauth:grant-type:${name}`)) {
        const answer = await redeem(world.target, await good({ cnf: { jkt: own.thumbprint } }), {
          dpop: own.handle(),
          grantType,
        });
        expect(answer).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
      }
    });

    it('authorization_details of types that the resource has, and leaves out the others', async () => {
      const known = { type: 'issue', actions: ['close'] };
      const details = [known, { type: 'payroll' }, { type: 'issue', locations: ['https://elsewhere.example'] }];
      const answer = await redeem(world.target, await good({ authorization_details: details, scope: undefined }));
      expect(answer).toMatchObject({ status: 200, body: { authorization_details: [known] } });
      expect(answer.body).not.toHaveProperty('scope');
    });
  });
});
