import { describe, expect, it } from '@jest/globals';
import { CredenceError } from '../errors/credence-error.ts';
import type { Grant } from '../flows/flow.ts';
import { runtimeFromOptions } from '../principal/runtime-from-options.ts';
import type { AccessToken } from './access-token.ts';
import { TokenManager, type TokenWanted } from './token-manager.ts';

const STEPS = 6_000;
const KEYS = ['a', 'b', 'c'];

/** mulberry32: small, and the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Flight {
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

/** Everything that can happen to tokens, in an order that only the seed knows; what must hold is checked at each step. */
class World {
  readonly #random: () => number;
  #nowMs = 1_000_000;
  #issued = 0;
  readonly #manager: TokenManager;
  readonly #wanted: TokenWanted[];
  readonly #flights: Flight[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #held: AccessToken[] = [];
  /** At the server: until when a token is good. */
  readonly #goodUntilMs = new Map<string, number>();
  /** Values that `reject` was told of. */
  readonly #refused = new Set<string>();
  readonly faults: string[] = [];
  readonly counted = { asked: 0, given: 0, refusals: 0, cancelled: 0, rejected: 0, flights: 0 };

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
      acquire: () => this.#fly(key),
    }));
  }

  async step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.4) this.#ask();
    else if (dice < 0.6) this.#pick(this.#flights)?.end(this.#random() < 0.15 ? this.#someFailure() : undefined);
    else if (dice < 0.72) this.#nowMs += Math.floor(this.#random() ** 3 * 4_000);
    else if (dice < 0.92) this.#use();
    else if (dice < 0.95) this.#goodUntilMs.clear();
    else this.#cancel();
    await settled();
  }

  /** With an IdP that answers, nobody is left waiting. */
  async drain(): Promise<void> {
    for (let round = 0; round < 50 && this.#flights.length > 0; round += 1) {
      while (this.#flights.length > 0) this.#flights[0]?.end();
      await settled();
    }
    const waiting = this.#waiters.filter((waiter) => !waiter.settled);
    if (waiting.length > 0) this.faults.push(`${waiting.length} callers wait for ever`);
    await this.#manager.close();
  }

  #ask(): void {
    const wanted = this.#pick(this.#wanted);
    if (!wanted) return;
    this.counted.asked += 1;
    const refusedBefore = new Set(this.#refused);
    const waiter: Waiter = { controller: new AbortController(), cancelled: false, settled: false };
    this.#waiters.push(waiter);
    void this.#follow(waiter, wanted, refusedBefore);
  }

  async #follow(waiter: Waiter, wanted: TokenWanted, refusedBefore: ReadonlySet<string>): Promise<void> {
    try {
      const token = await this.#manager.get(wanted, waiter.controller.signal);
      this.counted.given += 1;
      if (refusedBefore.has(token.value)) this.faults.push(`${token.value} was handed out after it was refused`);
      if (token.server !== wanted.server) this.faults.push(`${token.value} is for another server`);
      if (waiter.cancelled) this.faults.push('a cancelled caller got a token');
      this.#held.push(token);
    } catch (error) {
      this.counted.refusals += 1;
      if (!(error instanceof Error)) this.faults.push('something that is no error was thrown');
    }
    waiter.settled = true;
  }

  #fly(key: string): Promise<Grant> {
    this.counted.flights += 1;
    if (this.#flights.some((flight) => flight.key === key)) this.faults.push(`two flights for ${key} at once`);
    return new Promise((resolve, reject) => {
      const flight: Flight = {
        key,
        end: (failed) => {
          this.#flights.splice(this.#flights.indexOf(flight), 1);
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
      this.#flights.push(flight);
    });
  }

  /** A caller presents a token, perhaps an old one, and tells what the server said. */
  #use(): void {
    const token = this.#pick(this.#held);
    if (!token) return;
    if ((this.#goodUntilMs.get(token.value) ?? 0) > this.#nowMs) {
      this.#manager.accept(token);
      return;
    }
    this.counted.rejected += 1;
    this.#refused.add(token.value);
    this.#manager.reject(token);
  }

  #cancel(): void {
    const waiter = this.#pick(this.#waiters.filter((candidate) => !candidate.settled));
    if (!waiter) return;
    this.counted.cancelled += 1;
    waiter.cancelled = true;
    waiter.controller.abort(new Error('had enough'));
  }

  #someFailure(): CredenceError {
    return failure(this.#random() < 0.5 ? 'access_denied' : 'peer_unavailable');
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)];
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('TokenManager, whatever happens', () => {
  const seeds = process.env['CREDENCE_SEED']
    ? [Number(process.env['CREDENCE_SEED'])]
    : [1, 20_261_120, Date.now() % 1e9];

  it.each(seeds)(
    'hands out no refused token and leaves nobody waiting (CREDENCE_SEED=%i)',
    async (seed) => {
      const world = new World(randomFrom(seed));
      for (let step = 0; step < STEPS && world.faults.length === 0; step += 1) await world.step();
      await world.drain();
      expect(world.faults).toEqual([]);
      // the seed led somewhere: every kind of thing happened
      for (const count of Object.values(world.counted)) expect(count).toBeGreaterThan(20);
      expect(world.counted.flights).toBeLessThan(world.counted.asked);
    },
    30_000,
  );
});
