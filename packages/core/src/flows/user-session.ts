import { waitFor } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SubjectTokenRotation } from '../subjects/subject.ts';
import type { TypedToken, UserTokenSource } from '../subjects/user-token.ts';
import { claimsOfToken, hashOf, type KnownSubjects, type SubjectOwner, subjectOfToken } from './known-subjects.ts';

/** A token that ends sooner is replaced by a new one of the getter before an exchange. */
const SPARE_MS = 10_000;
/** By this much the clock of the issuer may be behind ours. */
const CLOCK_TOLERANCE_MS = 60_000;

/** The user's token that a session has now. */
interface Current extends TypedToken {
  readonly hash: string;
  /** The issuer and the subject of a JWT, as a hash. */
  readonly subject: string | undefined;
  /** The issuer of a JWT. */
  readonly issuer: unknown;
  readonly expiresAtMs: number;
  /** Whether it was passed to an exchange. */
  isUsed: boolean;
}

/** What decides the tokens of a user, in addition to the settings of the bot. */
export interface UserSettings {
  /** The key that the application has for the user. */
  readonly identity: string;
  /** Whether the exchange contains a token of the bot as `actor_token`. `client`: the IdP takes the actor from the client. */
  readonly actor: 'token' | 'client';
  /** What happens if an ID-JAG has no `act` claim. */
  readonly missingActor: 'refuse' | 'warn';
}

/** What the sessions of all users of a bot share. */
export interface SharedByUsers {
  readonly known: KnownSubjects;
  /** For a token that replaced another one with its use: the hash of the first one. */
  readonly firstHash: (hash: string) => string;
  readonly replaced: (hash: string, next: string) => void;
}

/**
 * The user's token of one principal that acts for a user. The getter is called before the first token is requested, so that an access token
 * that was cached for the user is used only with a user's token that the IdP has accepted for it. After that it is called when the token has
 * expired or the IdP has refused it.
 */
export class UserSession {
  readonly settings: UserSettings;
  readonly owner: SubjectOwner;
  /** The key of the user for events. */
  readonly inEvents: string;
  readonly rotation: SubjectTokenRotation | undefined;
  readonly #runtime: Runtime;
  readonly #source: UserTokenSource;
  readonly #shared: SharedByUsers;
  readonly #closing = new AbortController();
  #current: Current | undefined;
  #pending: Promise<Current> | undefined;
  #cacheId: string | undefined;

  constructor(
    runtime: Runtime,
    settings: UserSettings,
    { source, storeKey, shared }: { source: UserTokenSource; storeKey: string; shared: SharedByUsers },
  ) {
    this.settings = settings;
    this.#runtime = runtime;
    this.#source = source;
    this.#shared = shared;
    this.inEvents = shownIdentity(settings.identity, 128);
    const shown = `the user "${shownIdentity(settings.identity, 60)}"`;
    this.owner = { memoryKey: storeKey, storeKey, shown, isUser: true };
    this.rotation = source.rotation && {
      exclusively: source.rotation.exclusively.bind(source.rotation),
      rotated: (used, next, signal) => this.#rotated(used, next, signal),
    };
  }

  /** Aborted when the principal is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(reason: Error): void {
    this.#closing.abort(reason);
    this.#current = undefined;
  }

  /** Distinguishes the cached tokens of this user's token from those of all others. Undefined before `identify`. */
  get cacheId(): string | undefined {
    return this.#cacheId;
  }

  /**
   * Gets the user's token for the first time and checks its subject. Throws `credential_unavailable` for a getter that fails and for a token
   * that has expired, and `subject_changed`.
   */
  async identify(signal: AbortSignal | undefined): Promise<string> {
    if (this.#cacheId !== undefined) return this.#cacheId;
    const { hash, type } = await waitFor(this.#obtain(), signal);
    this.#cacheId ??= hashOf([type, this.#shared.firstHash(hash)]);
    return this.#cacheId;
  }

  /** The user's token for an exchange. `reused`: it was sent before, so that the IdP may refuse it and accept a new one. */
  async get(
    signal: AbortSignal,
  ): Promise<
    TypedToken & { readonly reused: boolean; readonly subject: string | undefined; readonly issuer: unknown }
  > {
    const nowMs = this.#runtime.clock.wallMs();
    const isUsable = this.#current !== undefined && this.#current.expiresAtMs > nowMs + SPARE_MS;
    const current = isUsable ? this.#current : await waitFor(this.#obtain(), signal);
    if (!current) throw this.#closing.signal.reason;
    const { token, type, subject, issuer, isUsed } = current;
    current.isUsed = true;
    return { token, type, subject, issuer, reused: isUsed };
  }

  /** The IdP refused this token. */
  drop(token: string): void {
    if (this.#current?.token === token) this.#current = undefined;
  }

  /** Calls the getter, once for all callers that wait. */
  async #obtain(): Promise<Current> {
    this.#pending ??= this.#read().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #read(): Promise<Current> {
    const { clock, timeout } = this.#runtime;
    const startedMs = clock.monotonicMs();
    const deadline = new AbortController();
    const stop = () => deadline.abort(this.#closing.signal.reason);
    const timer = setTimeout(() => deadline.abort(tooSlow(timeout.totalMs)), timeout.totalMs);
    this.#closing.signal.addEventListener('abort', stop, { once: true });
    const report = (failure?: unknown) =>
      this.#runtime.emit({
        type: 'leg',
        leg: 'authenticate',
        operation: 'subject-token',
        ok: failure === undefined,
        durationMs: clock.monotonicMs() - startedMs,
        code: isCredenceError(failure) ? failure.code : undefined,
      });
    try {
      this.#closing.signal.throwIfAborted();
      const current = this.#checked(await this.#source.get({ signal: deadline.signal }));
      await this.#shared.known.check(this.owner, current.subject);
      this.#closing.signal.throwIfAborted();
      this.#current = current;
      report();
      return current;
    } catch (error) {
      report(error);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener('abort', stop);
    }
  }

  #checked({ token, type }: TypedToken): Current {
    const claims = claimsOfToken(token);
    const expiresAtMs = typeof claims?.['exp'] === 'number' ? claims['exp'] * 1000 : Infinity;
    if (expiresAtMs + CLOCK_TOLERANCE_MS <= this.#runtime.clock.wallMs()) throw expired(this.owner.shown);
    const same = this.#current?.token === token ? this.#current.isUsed : false;
    const identity = { subject: subjectOfToken(token), issuer: claims?.['iss'] };
    return { token, type, hash: hashOf([token]), ...identity, expiresAtMs, isUsed: same };
  }

  async #rotated(used: string, next: string, signal: AbortSignal): Promise<'stored' | 'failed' | 'not-stored'> {
    const { rotation } = this.#source;
    this.#shared.replaced(hashOf([used]), hashOf([next]));
    if (this.#current?.token === used) this.#current = undefined;
    return rotation ? rotation.rotated(used, next, signal) : 'not-stored';
  }
}

/** A cut identity: it ends with a hash of the whole. */
const CUT = /\u2026[\w-]{16}$/u;

/**
 * The identity, cut to `max` UTF-16 code units. A cut one ends with a hash of the whole, so that two users are never shown as one. So does an
 * identity that looks like a cut one.
 */
function shownIdentity(identity: string, max: number): string {
  if (identity.length <= max && !CUT.test(identity)) return identity;
  const hash = hashOf([identity]).slice(0, 16);
  return `${identity.slice(0, max - hash.length - 1).replace(/[\ud800-\udbff]$/u, '')}\u2026${hash}`;
}

function expired(shown: string): CredenceError {
  return new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `The token of ${shown} has expired.`,
    remedy: 'Let the getter of onBehalfOf return a current token: renew it, or let the user sign in again.',
    contact: 'you',
  });
}

function tooSlow(totalMs: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'authenticate',
    message: `The getter of onBehalfOf returned no token within ${totalMs} ms.`,
    remedy: 'Check the getter of onBehalfOf, or raise timeout.totalMs.',
    contact: 'you',
    retryable: true,
  });
}
