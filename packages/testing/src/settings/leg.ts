/** The legs that a request can belong to: those of core's events, and `other` for a request that is none of them. */
export type FakeLeg = 'discover' | 'authenticate' | 'exchange' | 'redeem' | 'call' | 'other';
export const FAKE_LEGS = [
  'discover',
  'authenticate',
  'exchange',
  'redeem',
  'call',
  'other',
] as const satisfies readonly FakeLeg[];

/** Which requests are meant. A missing member stands for all. */
export interface RequestFilter {
  /** The leg of the request. */
  readonly leg?: FakeLeg | undefined;
  /** The name of the server that the request is about. */
  readonly server?: string | undefined;
  /** The name of the principal that sent the request. */
  readonly principal?: string | undefined;
}

/** Whether the request matches the filter. */
export function matches(filter: RequestFilter, request: RequestFilter): boolean {
  return (
    (filter.leg === undefined || filter.leg === request.leg) &&
    (filter.server === undefined || filter.server === request.server) &&
    (filter.principal === undefined || filter.principal === request.principal)
  );
}
