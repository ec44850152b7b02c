import { describe, expect, it } from '@jest/globals';
import { CredenceError } from '../errors/credence-error.ts';
import type { Grant } from '../flows/flow.ts';
import { runtimeFromOptions } from '../principal/runtime-from-options.ts';
import type { AccessToken } from './access-token.ts';
import { TokenManager } from './token-manager.ts';
import type { TokenWanted } from './token-wanted.ts';

const STEPS = 6_000;
const KEYS = ['a', 'b', 'c'];

/** The random numbers of mulberry32, which are the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Acquisition {
  readonly key: string;
  end(failure?: CredenceError): void;
}

interface Waiter {
  readonly controller: AbortController;
  cancelled: boolean;
  settled: boolean;
}

const failure = (code: 'access_denied' | 'peer_unavailable') =>
  new CredenceError({
    code,
    leg: 'exchange',
    message: 'No.',
    remedy: 'Ask.',
    contact: 'idp-admin',
    retryable: code === 'peer_unavailable',
  });

/** Calls the methods of a TokenManager in an order that the seed decides, and checks the invariants after each step. */
class World {
  readonly #random: () => number;
  #nowMs = 1_000_000;
  #issued = 0;
  readonly #manager: TokenManager;
  readonly #wanted: TokenWanted[];
  readonly #acquisitions: Acquisition[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #tokens: AccessToken[] = [];
  /** The time until which the server accepts a token. */
  readonly #goodUntilMs = new Map<string, number>();
  /** The values of the tokens that were passed to `reject`. */
  readonly #refused = new Set<string>();
  readonly faults: string[] = [];
  readonly counts = { requested: 0, returned: 0, refused: 0, cancelled: 0, rejected: 0, acquisitions: 0 };

  constructor(random: () => number) {
    this.#random = random;
    const clock = { wallMs: () => this.#nowMs, monotonicMs: () => this.#nowMs };
    this.#manager = new TokenManager(runtimeFromOptions({ servers: {}, clock }), undefined);
    this.#wanted = KEYS.map((key) => ({
      key,
      server: key,
      scopes: undefined,
      explicit: false,
      lasting: key !== 'c',
      acquire: () => this.#startAcquisition(key),
    }));
  }

  async step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.4) this.#requestToken();
    else if (dice < 0.6) this.#pick(this.#acquisitions)?.end(this.#random() < 0.15 ? this.#someFailure() : undefined);
    else if (dice < 0.72) this.#nowMs += Math.floor(this.#random() ** 3 * 4_000);
    else if (dice < 0.92) this.#callServer();
    else if (dice < 0.95) this.#goodUntilMs.clear();
    else this.#cancel();
    await settled();
  }

  /** Ends all acquisitions with success and checks that no caller still waits. */
  async drain(): Promise<void> {
    for (let round = 0; round < 50 && this.#acquisitions.length > 0; round += 1) {
      while (this.#acquisitions.length > 0) this.#acquisitions[0]?.end();
      await settled();
    }
    const waiting = this.#waiters.filter((waiter) => !waiter.settled);
    if (waiting.length > 0) this.faults.push(`${waiting.length} callers wait for ever`);
    await this.#manager.close();
  }

  #requestToken(): void {
    const wanted = this.#pick(this.#wanted);
    if (!wanted) return;
    this.counts.requested += 1;
    const refusedBefore = new Set(this.#refused);
    const waiter: Waiter = { controller: new AbortController(), cancelled: false, settled: false };
    this.#waiters.push(waiter);
    void this.#follow(waiter, wanted, refusedBefore);
  }

  async #follow(waiter: Waiter, wanted: TokenWanted, refusedBefore: ReadonlySet<string>): Promise<void> {
    try {
      const token = await this.#manager.get(wanted, waiter.controller.signal);
      this.counts.returned += 1;
      if (refusedBefore.has(token.value)) this.faults.push(`${token.value} was returned after it was refused`);
      if (token.server !== wanted.server) this.faults.push(`${token.value} is for another server`);
      if (waiter.cancelled) this.faults.push('a cancelled caller got a token');
      this.#tokens.push(token);
    } catch (error) {
      this.counts.refused += 1;
      if (!(error instanceof Error)) this.faults.push('a value that is not an Error was thrown');
    }
    waiter.settled = true;
  }

  #startAcquisition(key: string): Promise<Grant> {
    this.counts.acquisitions += 1;
    if (this.#acquisitions.some((other) => other.key === key)) this.faults.push(`two acquisitions for ${key} at once`);
    return new Promise((resolve, reject) => {
      const acquisition: Acquisition = {
        key,
        end: (failed) => {
          this.#acquisitions.splice(this.#acquisitions.indexOf(acquisition), 1);
          if (failed) {
            reject(failed);
            return;
          }
          this.#issued += 1;
          const value = `${key}-${this.#issued}`;
          const expiresInSeconds = this.#random() < 0.1 ? 0 : 2 + this.#random() * 8;
          this.#goodUntilMs.set(value, this.#nowMs + expiresInSeconds * 1_000);
          const issuer = 'https://as.example';
          resolve({
            accessToken: value,
            type: 'Bearer',
            expiresInSeconds,
            scopes: [],
            scopesStated: false,
            issuer,
            resource: key,
          });
        },
      };
      this.#acquisitions.push(acquisition);
    });
  }

  /** A caller sends a token, possibly an old one, to the server, and passes the result to the manager. */
  #callServer(): void {
    const token = this.#pick(this.#tokens);
    if (!token) return;
    if ((this.#goodUntilMs.get(token.value) ?? 0) > this.#nowMs) {
      this.#manager.accept(token);
      return;
    }
    this.counts.rejected += 1;
    this.#refused.add(token.value);
    this.#manager.reject(token);
  }

  #cancel(): void {
    const waiter = this.#pick(this.#waiters.filter((candidate) => !candidate.settled));
    if (!waiter) return;
    this.counts.cancelled += 1;
    waiter.cancelled = true;
    waiter.controller.abort(new Error('aborted by the caller'));
  }

  #someFailure(): CredenceError {
    return failure(this.#random() < 0.5 ? 'access_denied' : 'peer_unavailable');
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)];
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('TokenManager with random calls', () => {
  const seeds = process.env['CREDENCE_SEED']
    ? [Number(process.env['CREDENCE_SEED'])]
    : [1, 20_261_120, Date.now() % 1e9];

  it.each(seeds)(
    'returns no refused token and leaves no caller waiting (CREDENCE_SEED=%i)',
    async (seed) => {
      const world = new World(randomFrom(seed));
      for (let step = 0; step < STEPS && world.faults.length === 0; step += 1) await world.step();
      await world.drain();
      expect(world.faults).toEqual([]);
      // With this seed every kind of call has happened often enough.
      for (const count of Object.values(world.counts)) expect(count).toBeGreaterThan(20);
      expect(world.counts.acquisitions).toBeLessThan(world.counts.requested);
    },
    30_000,
  );
});
