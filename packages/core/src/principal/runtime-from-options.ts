import { defaultFetch } from '@credence/protocol';
import type { RetryOptions, Runtime, TimeoutOptions } from '../runtime/runtime.ts';
import { systemClock } from '../time/clock.ts';
import { currentAcquisition } from '../telemetry/acquisition.ts';
import type { ServicePrincipalOptions } from './options.ts';

/** The parts every room shares, with their defaults. */
export function runtimeFromOptions(options: ServicePrincipalOptions): Runtime {
  const { clock = systemClock, onEvent } = options;
  const observers = onEvent === undefined ? [] : [onEvent].flat();
  const principal = options.idp?.credential.clientId;
  return {
    fetch: options.fetch ?? defaultFetch,
    clock,
    retry: withDefaults<RetryOptions>(
      { retries: 2, minDelayMs: 200, maxDelayMs: 2_000, maxRetryAfterMs: 10_000 },
      options.retry,
    ),
    timeout: withDefaults<TimeoutOptions>({ requestMs: 10_000, totalMs: 30_000 }, options.timeout),
    network: options.network ?? {},
    observed: observers.length > 0,
    emit: (event) => {
      if (observers.length === 0) return;
      const told = { ...event, timeMs: clock.wallMs(), principal, acquisition: currentAcquisition() };
      for (const observer of observers) {
        // an observer that fails must not fail what it observes, and an async one must not end the process
        try {
          const observed: unknown = observer(told);
          if (observed instanceof Promise) observed.catch(() => undefined);
        } catch {}
      }
    },
  };
}

/** A setting that is there but undefined is not set. */
function withDefaults<T extends object>(defaults: T, set: Partial<T> = {}): T {
  const given = Object.entries(set).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}
