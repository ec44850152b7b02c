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
] as const)('%s, while the identity provider is down,', (_make, startTarget) => {
  let server: Server;
  let origin: string;
  let idp: Issuer;
  let target: Target;
  let isDown: boolean;
  let isHanging: boolean;
  let requestCount: number;

  beforeEach(async () => {
    isDown = false;
    isHanging = false;
    requestCount = 0;
    idp = await Issuer.create(['ES256']);
    server = createServer((request, response) => {
      requestCount += 1;
      if (isHanging) return;
      // closes the connection without a response, as a crashed process does
      if (isDown) request.socket.destroy();
      else if (request.url === '/jwks') response.end(JSON.stringify(idp.jwks));
      else response.end(JSON.stringify({ issuer: origin, jwks_uri: `${origin}/jwks` }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // key sets are cached per fetch function: a new function gives this test an empty cache
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

  it('responds with 503, records the refusal, and accepts the same ID-JAG after the identity provider is back', async () => {
    stopTime();
    isDown = true;
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
    isDown = false;
    // the refused redemptions did not use the ID-JAG up; keys are fetched again only after the pause that follows a failure
    await expect(eventually(() => redeem(target, assertion))).resolves.toMatchObject({ status: 200 });
  });

  it('responds with 503 in time if the identity provider accepts connections and sends nothing', async () => {
    stopTime();
    isHanging = true;
    const assertion = await grant();
    const redemptions = Promise.all(Array.from({ length: 20 }, () => redeem(target, assertion)));
    const answers = await whileTimePasses(redemptions, () => requestCount > 0);
    for (const answer of answers) expect(answer).toMatchObject({ status: 503 });
    expect(target.records).toHaveLength(20);
    expect(target.records[0]?.reason).toMatch(/^keys_unavailable: http\S+: metadata: no answer in time$/u);
    // one metadata request for all redemptions, and no request to a second metadata URL after the timeout
    expect(requestCount).toBe(1);
    isHanging = false;
    await expect(eventually(() => redeem(target, assertion))).resolves.toMatchObject({ status: 200 });
  });

  it('verifies with cached keys, and responds with temporarily_unavailable, not invalid_grant, for an unknown key', async () => {
    await expect(redeem(target, await grant())).resolves.toMatchObject({ status: 200 });
    isDown = true;
    requestCount = 0;
    await expect(redeem(target, await grant())).resolves.toMatchObject({ status: 200 });
    expect(requestCount).toBe(0);
    const unknown = await idp.sign(JSON.stringify({ ...goodClaims({ audience: target.issuer }), iss: origin }), {
      ...goodHeader(),
      kid: 'unknown',
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(target, unknown)));
    expect(new Set(answers.map(({ body }) => body['error']))).toEqual(new Set(['temporarily_unavailable']));
    expect(target.records.at(-1)?.reason).toMatch(
      /^keys_unavailable: http\S+: key set: (?:UND_ERR_SOCKET|ECONNRESET)$/u,
    );
    expect(requestCount).toBeLessThanOrEqual(5);
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
