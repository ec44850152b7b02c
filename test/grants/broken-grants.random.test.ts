import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { goodClaims, goodHeader } from './support/bad-grants.ts';
import { type GrantsWorld, MAKES, startGrantsWorld } from './support/bench.ts';
import { brokenGrant } from './support/break-grant.ts';
import { Random } from './support/random.ts';
import { redeem } from './support/redeem.ts';

const SEED = Number(process.env['CREDENCE_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
/** Number of broken ID-JAGs per server. The handler needs much less time for each than oidc-provider. */
const GRANTS = { 'oidc-provider': 500, 'Web-standard handler': 2000 } as const;
const REFUSALS = ['invalid_grant', 'invalid_target', 'invalid_request', 'invalid_dpop_proof'];

describe.each(MAKES)('%s', (make) => {
  let world: GrantsWorld;

  beforeAll(async () => {
    world = await startGrantsWorld(make);
  });
  afterAll(() => world.target.close());

  it('refuses and records each of many broken ID-JAGs, and then accepts a valid one', async () => {
    const random = new Random(SEED);
    const { target } = world;
    const mistakes: unknown[] = [];
    for (let at = 0; at < GRANTS[make]; at += 1) {
      const { assertion, options, before, how } = await brokenGrant(world, random);
      for (const first of before) {
        const { status } = await redeem(target, first.assertion, first.options);
        // the first request is valid if the only defect is the second use
        if (status !== 200 && how.length === 1) mistakes.push({ at, how, first, status });
      }
      const known = target.records.length;
      const { status, body } = await redeem(target, assertion, options);
      const records = target.records.slice(known);
      const [record] = records;
      const isRefused =
        status === 400 && REFUSALS.includes(String(body['error'])) && body['access_token'] === undefined;
      const isRecorded = records.length === 1 && record?.granted === false && record.error === body['error'];
      const responseAndRecords = JSON.stringify([body, records]);
      const signatures = [assertion, options.proof ?? ''].map((jwt) => jwt.split('.')[2] ?? '');
      const isSafe = signatures.every((signature) => signature.length < 20 || !responseAndRecords.includes(signature));
      if (!isRefused || !isRecorded || !isSafe) mistakes.push({ at, how, assertion, options, status, body, records });
    }
    // a failure prints the seed: set CREDENCE_SEED to it to make the same ID-JAGs again
    expect({ CREDENCE_SEED: SEED, mistakes }).toEqual({ CREDENCE_SEED: SEED, mistakes: [] });
    const good = await world.idp.sign(JSON.stringify(goodClaims(world)), goodHeader());
    const { status } = await redeem(target, good);
    expect({ CREDENCE_SEED: SEED, status }).toEqual({ CREDENCE_SEED: SEED, status: 200 });
  });
});
