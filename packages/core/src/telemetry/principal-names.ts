import type { EventBase } from '../runtime/events.ts';

const DEFAULT_MAX = 1_000;

/** By meter provider, because a process with many principals can create a listener for each of them. */
const namesOfProviders = new WeakMap<object, { readonly labels: Set<string>; readonly clientIds: Set<string> }>();

/**
 * Limits how many principals metrics distinguish, because each of them has its own time series. The result returns an event with
 * `other` as its label or client id if the metrics of the provider have `max` others already.
 */
export function principalNames(provider: object, max = DEFAULT_MAX): <Event extends EventBase>(event: Event) => Event {
  const names = namesOfProviders.get(provider) ?? { labels: new Set<string>(), clientIds: new Set<string>() };
  namesOfProviders.set(provider, names);
  return (event) => {
    const label = bounded(event.label, names.labels, max);
    const principal = bounded(event.principal, names.clientIds, max);
    return label === event.label && principal === event.principal ? event : { ...event, label, principal };
  };
}

function bounded(name: string | undefined, names: Set<string>, max: number): string | undefined {
  if (name === undefined || names.has(name)) return name;
  if (names.size >= max) return 'other';
  names.add(name);
  return name;
}
