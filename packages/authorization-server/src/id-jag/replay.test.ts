import { CredenceError } from '@credence/core';
import { createSigningKeys, type SigningKeys } from '@credence/identity-provider';
import { memoryReplayStore, type ReplayStore } from '@credence/protocol';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { VerifyIdJagOptions } from './options.ts';
import { verifyIdJag } from './verify.ts';

const IDP = 'https://idp.example';
const AS = 'https://as.example';
const NOW_S = Date.parse('2026-11-20T12:00:00Z') / 1000;
const at = (seconds: number) => () => new Date((NOW_S + seconds) * 1000);

let keys: SigningKeys;
let options: VerifyIdJagOptions;

beforeAll(async () => {
  keys = await createSigningKeys();
  options = { issuers: { [IDP]: { jwks: keys.publicJwks() } }, audience: AS, clientId: 'c', now: at(0) };
});

/** An ID-JAG that expires in a minute. */
const idJag = (claims: Record<string, unknown> = {}) =>
  keys.sign(
    { iss: IDP, sub: 's', aud: AS, client_id: 'c', jti: 'j', iat: NOW_S, exp: NOW_S + 60, ...claims },
    { typ: 'oauth-id-jag+jwt' },
  );

describe('the policy singleUse', () => {
  it('reserves an ID-JAG until its expiry plus twice the tolerance, because another clock can be late', async () => {
    const reservations: Parameters<ReplayStore['reserve']>[] = [];
    const store: ReplayStore = {
      reserve: async (...reservation) => {
        reservations.push(reservation);
        return true;
      },
    };
    await verifyIdJag(await idJag(), { ...options, replay: { singleUse: store } });
    await verifyIdJag(await idJag(), { ...options, replay: { singleUse: store }, clockToleranceSeconds: 30 });
    expect(reservations.map(([, until]) => until)).toEqual([at(60 + 2 * 5 + 1)(), at(60 + 2 * 30 + 1)()]);
    expect(reservations[0]?.[0]).toBe(reservations[1]?.[0]);
  });

  it('accepts an ID-JAG once at instances whose clocks differ by the tolerance, at any time', async () => {
    const assertion = await idJag();
    for (let second = 0; second < 80; second += 1) {
      // The store has the clock of the first instance, which is ahead.
      let clock = second;
      const singleUse = memoryReplayStore({ now: () => at(clock)() });
      const behind = { ...options, replay: { singleUse }, now: () => at(clock - 5)() };
      const ahead = { ...options, replay: { singleUse }, now: () => at(clock)() };
      const grants = async (instance: VerifyIdJagOptions) => {
        const [outcome] = await Promise.allSettled([verifyIdJag(assertion, instance)]);
        return outcome?.status === 'fulfilled' ? 1 : 0;
      };
      let granted = await grants(ahead);
      for (; clock < 80; clock += 1) granted += await grants(behind);
      expect(granted).toBeLessThanOrEqual(1);
    }
  });

  it('refuses an ID-JAG that expires while the keys are fetched', async () => {
    let clock = 60;
    const replay = { singleUse: memoryReplayStore({ now: () => at(clock)() }) };
    const slow = {
      ...options,
      issuers: { [IDP]: { jwksUri: `${IDP}/jwks` } },
      replay,
      now: () => at(clock)(),
      fetch: async () => {
        clock += 12;
        return Response.json(keys.publicJwks());
      },
    };
    await expect(verifyIdJag(await idJag(), slow)).rejects.toMatchObject({ code: 'expired' });
  });

  it('counts reservations by issuer, tenant and client, so that one issuer cannot fill the store', async () => {
    const other = 'https://other.example';
    const issuers = {
      [IDP]: { jwks: keys.publicJwks(), tenants: 'any' },
      [other]: { jwks: keys.publicJwks() },
    } as const;
    const replay = { singleUse: memoryReplayStore({ maxEntries: 10, now: at(0) }) };
    const markUsed = async (jti: string, claims: Record<string, unknown>) =>
      verifyIdJag(await idJag({ jti, ...claims }), { ...options, issuers, replay });
    const flood = async () => {
      for (let jti = 0; ; jti += 1) await markUsed(`${jti}`, { tenant: 'flood' });
    };
    await expect(flood()).rejects.toMatchObject({ code: 'replay_unknown' });
    await expect(markUsed('first', { tenant: 'honest' })).resolves.toMatchObject({ tenant: 'honest' });
    await expect(markUsed('first', { iss: other })).resolves.toMatchObject({ issuer: other });
  });

  it('refuses with replay_unknown, and not with replayed, if the store is full', async () => {
    const replay = { singleUse: memoryReplayStore({ maxEntries: 1, now: at(0) }) };
    await verifyIdJag(await idJag(), { ...options, replay });
    await expect(verifyIdJag(await idJag({ jti: 'fresh' }), { ...options, replay })).rejects.toMatchObject({
      code: 'replay_unknown',
      oauthError: 'temporarily_unavailable',
      detail: 'ReplayStoreFullError',
      identity: { jwtId: 'fresh' },
    });
  });

  it("puts the code of the store's error into the detail", async () => {
    const fault = new CredenceError({
      code: 'unreachable',
      leg: 'configure',
      message: 'Redis does not answer.',
      remedy: 'Check that Redis runs.',
      contact: 'you',
    });
    const replay = { singleUse: { reserve: () => Promise.reject(fault) } };
    await expect(verifyIdJag(await idJag(), { ...options, replay })).rejects.toMatchObject({
      code: 'replay_unknown',
      detail: 'unreachable',
    });
  });

  it('removes line breaks from the identity in the error and cuts it', async () => {
    const replay = { singleUse: memoryReplayStore({ now: at(0) }) };
    const assertion = await idJag({ sub: 'bot\n2026-11-20 granted', jti: 'j'.repeat(1000) });
    await verifyIdJag(assertion, { ...options, replay });
    await expect(verifyIdJag(assertion, { ...options, replay })).rejects.toMatchObject({
      code: 'replayed',
      identity: { subject: 'bot 2026-11-20 granted', jwtId: `${'j'.repeat(299)}…` },
    });
  });
});
