import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { stopTime, whileTimePasses } from '../support/faked-time.ts';
import { goodClaims, goodHeader } from './support/bad-grants.ts';
import { Issuer } from './support/issuer.ts';
import { redeem } from './support/redeem.ts';
import { handlerTarget, providerTarget, type Target } from './support/targets.ts';

describe.each([
  ['oidc-provider', providerTarget],
  ['Web-standard handler', handlerTarget],
] as const)('%s whose identity provider is away', (_make, startTarget) => {
  let server: Server;
  let origin: string;
  let idp: Issuer;
  let target: Target;
  let isAway: boolean;
  let isHanging: boolean;
  let asked: number;

  beforeEach(async () => {
    isAway = false;
    isHanging = false;
    asked = 0;
    idp = await Issuer.create(['ES256']);
    server = createServer((request, response) => {
      asked += 1;
      if (isHanging) return;
      // As a crashed process does: connections that end without a word.
      if (isAway) request.socket.destroy();
      else if (request.url === '/jwks') response.end(JSON.stringify(idp.jwks));
      else response.end(JSON.stringify({ issuer: origin, jwks_uri: `${origin}/jwks` }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // Its own fetch function, and with it a cache of its own.
    target = await startTarget({ issuers: { [origin]: {} }, fetch: (url, init) => fetch(url, init) });
  });
  afterEach(async () => {
    jest.useRealTimers();
    server.closeAllConnections();
    server.close();
    await target.close();
  });

  const grant = () =>
    idp.sign(JSON.stringify({ ...goodClaims({ audience: target.issuer }), iss: origin }), goodHeader());

  it('refuses cleanly, records it, and recovers by itself', async () => {
    stopTime();
    isAway = true;
    const assertion = await grant();
    const answers = await Promise.all([redeem(target, assertion), redeem(target, assertion)]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    }
    expect(target.records).toEqual([
      expect.objectContaining({
        granted: false,
        error: 'temporarily_unavailable',
        reason: expect.stringMatching(/^keys_unavailable: http\S+: metadata: (?:UND_ERR_SOCKET|ECONNRESET)$/u),
      }),
      expect.objectContaining({ granted: false, error: 'temporarily_unavailable' }),
    ]);
    isAway = false;
    // The very same grant: nothing was spent. It takes as long as the pause after a failure.
    await expect(eventually(() => redeem(target, assertion))).resolves.toMatchObject({ status: 200 });
  });

  it('answers in time where it takes connections and says nothing', async () => {
    stopTime();
    isHanging = true;
    const assertion = await grant();
    const redemptions = Promise.all(Array.from({ length: 20 }, () => redeem(target, assertion)));
    const answers = await whileTimePasses(redemptions, () => asked > 0);
    for (const answer of answers) expect(answer).toMatchObject({ status: 503 });
    expect(target.records).toHaveLength(20);
    expect(target.records[0]?.reason).toMatch(/^keys_unavailable: http\S+: metadata: no answer in time$/u);
    // One question for all of them, and none at a second place after the first has hung.
    expect(asked).toBe(1);
    isHanging = false;
    await expect(eventually(() => redeem(target, assertion))).resolves.toMatchObject({ status: 200 });
  });

  it('goes on with the keys it has, and does not call a key forged that it cannot ask about', async () => {
    await expect(redeem(target, await grant())).resolves.toMatchObject({ status: 200 });
    isAway = true;
    asked = 0;
    await expect(redeem(target, await grant())).resolves.toMatchObject({ status: 200 });
    expect(asked).toBe(0);
    const unknown = await idp.sign(JSON.stringify({ ...goodClaims({ audience: target.issuer }), iss: origin }), {
      ...goodHeader(),
      kid: 'unknown',
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(target, unknown)));
    expect(new Set(answers.map(({ body }) => body['error']))).toEqual(new Set(['temporarily_unavailable']));
    expect(target.records.at(-1)?.reason).toMatch(
      /^keys_unavailable: http\S+: key set: (?:UND_ERR_SOCKET|ECONNRESET)$/u,
    );
    expect(asked).toBeLessThanOrEqual(5);
    await expect(redeem(target, await grant())).resolves.toMatchObject({ status: 200 });
  });

  async function eventually<T extends { status: number }>(attempt: () => Promise<T>): Promise<T> {
    const until = Date.now() + 10_000;
    for (;;) {
      const answer = await attempt();
      if (answer.status === 200 || Date.now() > until) return answer;
      await jest.advanceTimersByTimeAsync(100);
    }
  }
});
