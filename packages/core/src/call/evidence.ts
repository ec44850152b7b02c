import type { AccessToken } from '../tokens/access-token.ts';

const REMEMBERED_MS = 60_000;
const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'DELETE']);

/**
 * What the responses of one server show about its tokens. Some servers respond with 401 `invalid_token` to every request without a
 * session id, or to the GET of the event stream. A new token does not help there, and each one would cost an acquisition and be dropped.
 * So a kind of request that the server refuses, while it accepts the token for other requests, is remembered for a minute.
 */
export class Evidence {
  #accepted: string | undefined;
  #acceptsPost = false;
  /** By kind of request: until when it is remembered, in milliseconds of the monotonic clock. */
  readonly #refusedUntilMs = new Map<string, number>();

  /** The server accepted this token. */
  accepted({ value }: AccessToken): void {
    this.#accepted = value;
  }

  /** Whether this is the token that the server accepted last. */
  hasAccepted({ value }: AccessToken): boolean {
    return this.#accepted === value;
  }

  /** The server responded to this request with 2xx. */
  acceptedRequest(init: RequestInit): void {
    if (init.method === 'POST') this.#acceptsPost = true;
    if (this.#refusedUntilMs.size > 0) this.#refusedUntilMs.delete(kindOf(init));
  }

  /** Whether the server has ever accepted a POST. */
  get acceptsPost(): boolean {
    return this.#acceptsPost;
  }

  /** The server refused this request as unauthorized, although it accepts its tokens for other requests. */
  refusedRequest(init: RequestInit, nowMs: number): void {
    this.#refusedUntilMs.set(kindOf(init), nowMs + REMEMBERED_MS);
  }

  /** Whether a request of this kind was refused in the last minute, and the server accepted this token for another one. */
  refusesOnlyRequest(init: RequestInit, token: AccessToken, nowMs: number): boolean {
    return this.hasAccepted(token) && (this.#refusedUntilMs.get(kindOf(init)) ?? 0) > nowMs;
  }
}

/**
 * The method, and whether the request has a session, opens one, or asks for the revisions of the server. There are few kinds, so the map
 * stays small.
 */
function kindOf(init: RequestInit): string {
  const method = methodOf(init);
  const session = new Headers(init.headers).has('mcp-session-id');
  const opens = typeof init.body === 'string' && /"method"\s*:\s*"initialize"/u.test(init.body.slice(0, 10_000));
  return `${METHODS.has(method) ? method : 'other'} ${session} ${opens} ${isVersionProbe(init)}`;
}

/** Whether a client of revision 2026-07-28 asks with this request, before any other, which revisions the server has. */
export function isVersionProbe(init: RequestInit): boolean {
  const headers = new Headers(init.headers);
  return methodOf(init) === 'POST' && headers.get('mcp-method') === 'server/discover' && !headers.has('mcp-session-id');
}

/** The method in upper case. Default GET, as for fetch. */
export function methodOf({ method = 'GET' }: RequestInit): string {
  return method.toUpperCase();
}
