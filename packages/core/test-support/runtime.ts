import { isCredenceError, type CredenceError } from '../src/errors/credence-error.ts';
import { ClientBackoff } from '../src/backoff/client-backoff.ts';
import type { Runtime, UntimedEvent } from '../src/runtime/runtime.ts';
import { systemClock } from '../src/time/clock.ts';

/** A runtime with short pauses that collects its events. */
export function testRuntime(overrides: Partial<Runtime> = {}): Runtime & { readonly events: UntimedEvent[] } {
  const events: UntimedEvent[] = [];
  return {
    fetch: (input, init) => fetch(input, init),
    clock: systemClock,
    retry: { retries: 2, minDelayMs: 1, maxDelayMs: 3, maxRetryAfterMs: 2_000 },
    timeout: { requestMs: 5_000, totalMs: 10_000 },
    limits: { concurrentAcquisitions: 20 },
    network: {},
    clients: new ClientBackoff(overrides.clock ?? systemClock),
    observed: true,
    emit: (event) => void events.push(event),
    ...overrides,
    events,
  };
}

/** Returns the CredenceError with which a promise rejects or that a function throws. Any other result fails the test. */
export async function refusalOf(action: Promise<unknown> | (() => unknown)): Promise<CredenceError> {
  let value: unknown;
  try {
    value = await (typeof action === 'function' ? action() : action);
  } catch (error) {
    if (isCredenceError(error)) return error;
    throw error;
  }
  throw new Error(`expected a refusal, got ${JSON.stringify(value)}`);
}

export const never: AbortSignal = new AbortController().signal;
