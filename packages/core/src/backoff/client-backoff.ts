import { type LruCache, lruCache, waitFor } from '@credence/protocol';
import type { ErrorCode } from '../errors/codes.ts';
import { type CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { copyOf } from '../errors/same-failure.ts';
import type { Clock } from '../time/clock.ts';
import { onlyAPersonEnds, pausesAll } from './backs-off.ts';
import { pauseAfterRefusals, retryAfterMs } from './pause.ts';

/** The refusals that concern the client itself, and so every server for which it requests tokens by this grant. */
const CLIENT_CODES: ReadonlySet<ErrorCode> = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
]);
const MAX_CLIENTS = 1_000;
/** A key file is read at most once in this time to find out whether it was changed. */
const FINGERPRINT_PAUSE_MS = 1_000;
/** The longest time for which the next request is left to one server. */
const RESERVED_MS = 5_000;

/** The client that sends a token request. */
export interface TokenClient {
  readonly issuer: string;
  readonly grantType: string;
  readonly credential: { readonly clientId: string; readonly fingerprint?: () => Promise<string | undefined> };
  /** The configured name of the MCP server that the request concerns. Undefined for a subject token, which is for all servers. */
  readonly server?: string | undefined;
  /**
   * The parameters of a request that is the same for all servers, such as the one for a subject token. Then every refusal that only a
   * person can end concerns all servers. Undefined for a request about one server.
   */
  readonly sharedRequest?: string | undefined;
}

/** Sends token requests, or repeats the last refusal of the client. */
export interface ClientGate {
  run<T>(client: TokenClient, signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T>;
  /** Throws the last refusal if a request of this client would not be sent now, so that no other request is sent to prepare it. */
  check(client: TokenClient): Promise<void>;
  /** A gate that never pauses, for a person who asks. A success there ends the pauses here. */
  withoutPauses(): ClientGate;
  /** Whether this client is refused now, and for how long. It has no effect. */
  refused(client: TokenClient): RefusedClient | undefined;
}

/** A client that is refused. */
export interface RefusedClient {
  readonly error: CredenceError;
  /** When the first refusal came, in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** The time until the next request is sent, in milliseconds. */
  readonly pausedForMs: number;
}

interface Streak {
  error: CredenceError;
  /** The error with the name of each server that has got it. It stays the same object until the next refusal. */
  readonly errors: Map<string, CredenceError>;
  refusals: number;
  readonly sinceMs: number;
  untilMs: number;
  /** The request that asks again while the others wait. */
  probe: Promise<void> | undefined;
  readonly servers: Set<string>;
  /** The server for which the next request is being prepared. Nothing is prepared for others meanwhile. */
  reserved: { readonly server: string | undefined; readonly untilMs: number };
}

/** Whether the refusal concerns the client itself, not one server or scope. */
export function concernsClient({ code }: CredenceError): boolean {
  return CLIENT_CODES.has(code);
}

/** Whether the refusal is the same for every server for which the client would send the request. */
function concernsAll(client: TokenClient, error: CredenceError): boolean {
  return concernsClient(error) || (client.sharedRequest !== undefined && onlyAPersonEnds(error));
}

/**
 * After an issuer has refused a client, no request with that credential and grant is sent to it for a while: a second at first, then
 * longer each time. The same applies to a request that all servers share, such as the one for the subject token, after any failure
 * that only a person can correct. After the pause one request is sent, and the others wait for its result. A successful request
 * and another key end the pauses.
 */
export class ClientBackoff implements ClientGate {
  readonly #clock: Clock;
  readonly #streaks: LruCache<Streak> = lruCache<Streak>(MAX_CLIENTS);
  readonly #ids = new WeakMap<object, { id: string; checkedAtMs: number }>();
  /** By client, the servers whose requests are refused while those for other servers succeed. They do not pause the client. */
  readonly #refusedAlone = lruCache<Set<string>>(MAX_CLIENTS);
  readonly #numbers = new WeakMap<object, number>();
  #lastNumber = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async run<T>(client: TokenClient, signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> {
    for (;;) {
      const streak = this.#streaks.size === 0 ? undefined : this.#streaks.get(await this.#id(client));
      if (!streak || this.#isRefusedAlone(client)) return this.#send(client, request);
      if (streak.probe) {
        await waitFor(streak.probe, signal);
        continue;
      }
      if (this.#clock.monotonicMs() < streak.untilMs) throw errorFor(streak, client.server);
      return this.#probe(client, streak, request);
    }
  }

  async check(client: TokenClient): Promise<void> {
    const streak = this.#streaks.size === 0 ? undefined : this.#streaks.get(await this.#id(client));
    if (!streak || this.#isRefusedAlone(client)) return;
    const nowMs = this.#clock.monotonicMs();
    const isForOther = nowMs < streak.reserved.untilMs && streak.reserved.server !== client.server;
    if (nowMs < streak.untilMs || isForOther) throw errorFor(streak, client.server);
    streak.reserved = { server: client.server, untilMs: nowMs + RESERVED_MS };
  }

  /** A gate that never pauses, for a person who asks. A success there ends the pauses here. */
  withoutPauses(): ClientGate {
    const gate: ClientGate = {
      run: async (client, _signal, request) => {
        const result = await request();
        await this.#accepted(client);
        return result;
      },
      check: async () => undefined,
      withoutPauses: () => gate,
      refused: (client) => this.refused(client),
    };
    return gate;
  }

  /** Whether this client is refused now, and until when. It has no effect. */
  refused(client: TokenClient): RefusedClient | undefined {
    const known = this.#ids.get(client.credential);
    const streak = known && this.#longestStreak(client, known.id);
    if (!streak || this.#isRefusedAlone(client)) return undefined;
    const { error, sinceMs, untilMs } = streak;
    return { error, sinceMs, pausedForMs: Math.max(0, untilMs - this.#clock.monotonicMs()) };
  }

  /** Without `sharedRequest`: that of any request of the client. */
  #longestStreak(client: TokenClient, credentialId: string): Streak | undefined {
    const id = idOf(client, credentialId);
    if (client.sharedRequest !== undefined) return this.#streaks.peek(id);
    let longest: Streak | undefined;
    for (const key of this.#streaks.keys()) {
      const streak = key.startsWith(id) ? this.#streaks.peek(key) : undefined;
      if (streak && streak.untilMs >= (longest?.untilMs ?? -Infinity)) longest = streak;
    }
    return longest;
  }

  async #probe<T>(client: TokenClient, streak: Streak, request: () => Promise<T>): Promise<T> {
    let done = () => {};
    streak.probe = new Promise((resolve) => {
      done = resolve;
    });
    try {
      return await this.#send(client, request);
    } finally {
      streak.probe = undefined;
      done();
    }
  }

  async #send<T>(client: TokenClient, request: () => Promise<T>): Promise<T> {
    try {
      const result = await request();
      await this.#accepted(client);
      return result;
    } catch (error) {
      if (isCredenceError(error)) await this.#failed(client, error);
      throw error;
    }
  }

  async #accepted(client: TokenClient): Promise<void> {
    const key = clientKey(client);
    const alone = this.#refusedAlone.peek(key);
    if (client.server !== undefined) alone?.delete(client.server);
    if (this.#streaks.size === 0) return;
    const id = await this.#id(client);
    const streak = this.#streaks.peek(id);
    if (!streak) return;
    this.#streaks.delete(id);
    streak.untilMs = -Infinity;
    const others = [...streak.servers].filter((server) => server !== client.server);
    if (client.server === undefined || others.length === 0) return;
    this.#refusedAlone.set(key, new Set([...(alone ?? []), ...others]));
  }

  async #failed(client: TokenClient, error: CredenceError): Promise<void> {
    const id = await this.#id(client, true);
    const streak = this.#streaks.peek(id);
    const nowMs = this.#clock.monotonicMs();
    if (!concernsAll(client, error)) {
      // The peer is away, so nothing is known about the client.
      if (streak && error.status === undefined) streak.untilMs = nowMs + pauseAfterRefusals(1, Math.random());
      return;
    }
    if (this.#isRefusedAlone(client)) return;
    const current = streak ?? {
      error,
      errors: new Map(),
      refusals: 0,
      sinceMs: this.#clock.wallMs(),
      untilMs: -Infinity,
      probe: undefined,
      servers: new Set<string>(),
      reserved: { server: undefined, untilMs: -Infinity },
    };
    if (!streak) this.#streaks.set(id, current);
    current.error = error;
    current.errors.clear();
    pausesAll(error, current);
    if (client.server !== undefined) current.servers.add(client.server);
    // Requests that were under way together are one refusal.
    if (nowMs < current.untilMs) return;
    current.refusals += 1;
    const pauseMs = Math.max(pauseAfterRefusals(current.refusals, Math.random()), retryAfterMs(error) ?? 0);
    current.untilMs = nowMs + pauseMs;
  }

  #isRefusedAlone(client: TokenClient): boolean {
    return client.server !== undefined && (this.#refusedAlone.peek(clientKey(client))?.has(client.server) ?? false);
  }

  /** Identifies the client and its key or secret. `now`: a key file is read, although it was read a moment ago. */
  async #id(client: TokenClient, now = false): Promise<string> {
    const { credential } = client;
    const known = this.#ids.get(credential);
    const nowMs = this.#clock.monotonicMs();
    if (known && !now && nowMs - known.checkedAtMs < FINGERPRINT_PAUSE_MS) return idOf(client, known.id);
    const fingerprint = await Promise.resolve(credential.fingerprint?.()).catch(() => undefined);
    const id = fingerprint ?? this.#numberOf(credential);
    this.#ids.set(credential, { id, checkedAtMs: nowMs });
    return idOf(client, id);
  }

  #numberOf(credential: object): string {
    let number = this.#numbers.get(credential);
    if (number === undefined) {
      this.#lastNumber += 1;
      number = this.#lastNumber;
      this.#numbers.set(credential, number);
    }
    return `#${number}`;
  }
}

function clientKey({ issuer, grantType, credential }: TokenClient): string {
  return JSON.stringify([issuer, grantType, credential.clientId]);
}

function idOf(client: TokenClient, credentialId: string): string {
  return `${clientKey(client)} ${credentialId} ${client.sharedRequest ?? ''}`;
}

function errorFor(streak: Streak, server: string | undefined): CredenceError {
  if (streak.error.server === server || server === undefined) return streak.error;
  let error = streak.errors.get(server);
  if (!error) {
    error = copyOf(streak.error, { server });
    streak.errors.set(server, error);
  }
  return error;
}
