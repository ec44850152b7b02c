import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CredenceError } from '../errors/credence-error.ts';
import { runtimeFromOptions } from '../principal/runtime-from-options.ts';
import { memoryStore } from '../store/memory-store.ts';
import { SharedStore } from '../store/shared-store.ts';
import { TokenManager } from './token-manager.ts';
import type { TokenWanted } from './token-wanted.ts';

const down = new CredenceError({
  code: 'peer_unavailable',
  leg: 'redeem',
  message: 'Down.',
  remedy: 'Wait.',
  contact: 'server-owner',
  retryable: true,
});
const CALL_EVERY_MS = 20;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

type Outage = 'up' | 'fails' | 'hangs' | 'refuses';

/** A manager on the faked time, and an authorization server that can go away. It answers after 5 ms. */
function world({ lifeMs, store = false, leadMs = 0 }: { lifeMs: number; store?: boolean; leadMs?: number }) {
  const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
  const runtime = runtimeFromOptions({ servers: {}, clock });
  const manager = new TokenManager(runtime, store ? new SharedStore(runtime, memoryStore()) : undefined);
  const endsMs = new Map<string, number>();
  const state = { outage: 'up' as Outage, issued: 0, avoidable: 0, failed: 0, served: 0, rejected: 0 };
  const wanted: TokenWanted = {
    key: 'k',
    server: 'mcp',
    scopes: undefined,
    explicit: false,
    lasting: true,
    acquire: async (signal) => {
      const sentMs = performance.now();
      await new Promise((resolve, reject) => {
        if (state.outage !== 'hangs') setTimeout(resolve, 5);
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
      if (state.outage === 'fails') throw down;
      if (state.outage === 'refuses')
        throw new CredenceError({ ...down.toJSON(), code: 'access_denied', retryable: false });
      state.issued += 1;
      const accessToken = `token-${state.issued}`;
      endsMs.set(accessToken, sentMs + lifeMs);
      return {
        accessToken,
        type: 'Bearer',
        expiresInSeconds: (lifeMs - (performance.now() - sentMs)) / 1_000,
        scopes: [],
        scopesStated: false,
        issuer: 'https://as.example',
        resource: 'https://mcp.example/mcp',
        peerTimeMs: Date.now(),
      };
    },
  };
  /** One call: it fails, or its token is accepted or refused by a server whose clock is ahead by `leadMs`. */
  const call = async () => {
    const startedMs = performance.now();
    const newest = () => endsMs.get(`token-${state.issued}`) ?? 0;
    try {
      const token = await manager.get(wanted);
      if (performance.now() + leadMs < (endsMs.get(token.value) ?? 0)) {
        state.served += 1;
        manager.accept(token);
      } else {
        state.rejected += 1;
        manager.reject(token, { serverTimeMs: Math.floor((Date.now() + leadMs) / 1_000) * 1_000 });
      }
    } catch {
      state.failed += 1;
      if (startedMs < newest()) state.avoidable += 1;
    }
  };
  const run = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += CALL_EVERY_MS) {
      void call();
      await jest.advanceTimersByTimeAsync(CALL_EVERY_MS);
    }
  };
  return { manager, state, wanted, run, call };
}

describe('a token whose renewal fails', () => {
  const cases = [2_000, 10_000, 60_000, 300_000].flatMap((lifeMs) =>
    (['fails', 'hangs', 'refuses'] as const).flatMap((outage) =>
      [false, true].map((store) => ({ lifeMs, outage, store })),
    ),
  );

  it.each(cases)(
    'is used until its real end: no call fails that it can serve (lifetime $lifeMs ms, the peer $outage, store: $store)',
    async ({ lifeMs, outage, store }) => {
      const { manager, state, run } = world({ lifeMs, store });
      // The outage begins before the first renewal and lasts for 12 s after the end of the token.
      await run(lifeMs * 0.89);
      state.outage = outage;
      await run(lifeMs * 0.11 + 12_000);
      expect({ avoidable: state.avoidable, rejected: state.rejected }).toEqual({ avoidable: 0, rejected: 0 });
      // The outage is longer than the rest of the token, so the calls after its end failed or wait.
      expect(state.issued).toBe(1);
      expect(state.served).toBeGreaterThanOrEqual(Math.floor((lifeMs - 40) / CALL_EVERY_MS));
      expect(state.served).toBeLessThanOrEqual(lifeMs / CALL_EVERY_MS);
      if (outage !== 'hangs') expect(state.failed).toBeGreaterThan(200);
      await manager.close();
    },
  );

  it('costs no call if the outage ends before the token', async () => {
    const { manager, state, run } = world({ lifeMs: 60_000 });
    await run(50_000);
    state.outage = 'fails';
    await run(9_900);
    state.outage = 'up';
    await run(20_000);
    expect(state).toMatchObject({ failed: 0, rejected: 0, issued: 2 });
    await manager.close();
  });
});

describe('an idle token that is about to end', () => {
  const idle = async (outage: Outage) => {
    const { manager, state, wanted } = world({ lifeMs: 60_000 });
    const first = manager.get({ ...wanted, lasting: false });
    await jest.advanceTimersByTimeAsync(59_000);
    state.outage = outage;
    const startedMs = performance.now();
    const second = manager.get({ ...wanted, lasting: false }).then(({ value }) => ({
      value,
      waitedMs: performance.now() - startedMs,
    }));
    await jest.advanceTimersByTimeAsync(900);
    const result = { first: (await first).value, second: await second };
    await manager.close();
    return result;
  };

  it('is replaced before the call, because it might arrive too late', async () => {
    expect(await idle('up')).toEqual({ first: 'token-1', second: { value: 'token-2', waitedMs: 5 } });
  });

  it('is used at once if the replacement fails, and after half of its rest if the replacement takes longer', async () => {
    expect(await idle('fails')).toEqual({ first: 'token-1', second: { value: 'token-1', waitedMs: 5 } });
    const { second } = await idle('hangs');
    expect(second.value).toBe('token-1');
    expect(second.waitedMs).toBeGreaterThan(450);
    expect(second.waitedMs).toBeLessThan(550);
  });
});

it('ends the tokens of a server earlier whose Date header has shown that its clock is ahead, so that it refuses only one', async () => {
  const { manager, state, run } = world({ lifeMs: 60_000, leadMs: 20_000 });
  await run(300_000);
  expect(state).toMatchObject({ failed: 0, rejected: 1 });
  await manager.close();
});

it.each([0, 120, 500, 880, 999])(
  'does not take one revocation near the end of a token for a clock that is ahead (%d ms after the second)',
  async (startMs) => {
    await jest.advanceTimersByTimeAsync((1_000 + startMs - (Date.now() % 1_000)) % 1_000);
    const { manager, state, wanted, run } = world({ lifeMs: 2_000 });
    await run(1_200);
    const token = await manager.get(wanted);
    manager.reject(token, { serverTimeMs: Math.floor(Date.now() / 1_000) * 1_000 });
    await run(10_000);
    // One token every 1.8 s, in which a token is renewed.
    expect(state.issued).toBeLessThanOrEqual(8);
    await manager.close();
  },
);
