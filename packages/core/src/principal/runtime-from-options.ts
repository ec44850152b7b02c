import { defaultFetch, environmentProxyFetch } from '@credence/protocol';
import type { PrincipalLimits, RetryOptions, Runtime, TimeoutOptions } from '../runtime/runtime.ts';
import { ClientBackoff } from '../backoff/client-backoff.ts';
import { systemClock } from '../time/clock.ts';
import { PeerClocks } from '../time/peer-clocks.ts';
import { currentContext } from '../telemetry/event-context.ts';
import type { ServicePrincipalOptions } from './options.ts';

/** The runtime with the options, and with defaults for missing options. */
export function runtimeFromOptions(options: ServicePrincipalOptions): Runtime {
  const { clock = systemClock, onEvent, label } = options;
  const listeners = onEvent === undefined ? [] : [onEvent].flat();
  const principal = options.idp?.credential.clientId;
  return {
    fetch: options.fetch ?? (options.proxy === 'environment' ? environmentProxyFetch : defaultFetch),
    clock,
    retry: withDefaults<RetryOptions>(
      { retries: 2, minDelayMs: 200, maxDelayMs: 2_000, maxRetryAfterMs: 10_000 },
      options.retry,
    ),
    timeout: withDefaults<TimeoutOptions>({ requestMs: 10_000, totalMs: 30_000 }, options.timeout),
    limits: withDefaults<PrincipalLimits>({ concurrentAcquisitions: 20 }, options.limits),
    network: options.network ?? {},
    peerClocks: new PeerClocks(clock),
    clients: new ClientBackoff(clock),
    observed: listeners.length > 0,
    emit: (event) => {
      if (listeners.length === 0) return;
      const completeEvent = { ...event, timeMs: clock.wallMs(), principal, label, ...currentContext() };
      for (const listener of listeners) {
        // A listener that throws must not make a call fail, and one that rejects must not end the process.
        try {
          const result: unknown = listener(completeEvent);
          if (result instanceof Promise) result.catch(() => undefined);
        } catch {}
      }
    },
  };
}

/** The defaults, replaced by the settings that are not undefined. */
function withDefaults<T extends object>(defaults: T, settings: Partial<T> = {}): T {
  const defined = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(defined) };
}
