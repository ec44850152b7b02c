import { cleanText, scopesNotIn, normaliseScopes, SCOPE_TOKEN, unionScopes, waitFor } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Flow } from '../flows/flow.ts';
import type { UserSession } from '../flows/user-session.ts';
import { scopeCeiling } from '../flows/granted-scopes.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import type { ServerRefusal } from '../tokens/failures.ts';
import { tokenKey } from '../tokens/token-key.ts';
import type { TokenManager } from '../tokens/token-manager.ts';
import type { KeyState, TokenWanted } from '../tokens/token-wanted.ts';
import { Evidence } from './evidence.ts';
import { FailedCalls } from './failed-calls.ts';
import { LostSessions } from './lost-sessions.ts';

/** How many acquisitions of other principals for the same user a caller waits for. */
const MAX_JOINED = 5;

/** The state before the user's token was read. */
const UNKNOWN_STATE: KeyState = {
  token: undefined,
  acquired: false,
  failing: false,
  refusal: undefined,
  pausedForMs: 0,
  lastFailure: undefined,
};

/** One configured server: its settings, how its tokens are acquired, and the scopes that step-ups have added. */
export class ServerAccess {
  readonly settings: ServerSettings;
  /** What the responses of the server have shown so far. */
  readonly evidence: Evidence;
  /** The failed calls through `fetchFor` and of `token()`. */
  readonly failures: FailedCalls;
  readonly lostSessions: LostSessions;
  readonly #idp: IdpSettings | undefined;
  readonly #flow: Flow;
  readonly #manager: TokenManager;
  /** Undefined for a user whose token was not read yet. */
  #base: TokenWanted | undefined;
  readonly #user: UserSession | undefined;
  #steppedUp: TokenWanted | undefined;

  constructor(
    settings: ServerSettings,
    idp: IdpSettings | undefined,
    flow: Flow,
    manager: TokenManager,
    { original, user }: { original?: ServerAccess; user?: UserSession | undefined } = {},
  ) {
    this.settings = settings;
    this.#idp = idp;
    this.#flow = flow;
    this.#manager = manager;
    this.evidence = original?.evidence ?? new Evidence();
    this.failures = original?.failures ?? new FailedCalls();
    this.lostSessions = original?.lostSessions ?? new LostSessions();
    this.#user = user;
    if (!user) this.#base = this.#wanted(settings.scopes, { explicit: false, lasting: true });
  }

  /** The same server for calls that do not step up and do not use the scopes of step-ups. Its token is shared with this one. */
  withoutStepUp(): ServerAccess {
    const settings = { ...this.settings, stepUp: [] };
    return new ServerAccess(settings, this.#idp, this.#flow, this.#manager, { original: this, user: this.#user });
  }

  /** A token with the configured scopes, or with `scopes` if they are defined. */
  async token(scopes: readonly string[] | undefined, signal: AbortSignal | undefined): Promise<AccessToken> {
    const base = this.#base ?? (await this.#identified(signal));
    return this.#get(scopes === undefined ? base : this.#explicit(scopes), signal);
  }

  /** The token with the configured scopes if a valid one is cached, else undefined. */
  peek(): AccessToken | undefined {
    return this.#base && this.#manager.peek(this.#base);
  }

  /** The token for a call if a valid one is cached, else undefined. */
  peekForCall(): AccessToken | undefined {
    const wanted = this.#steppedUp ?? this.#base;
    return wanted && this.#manager.peek(wanted);
  }

  /** The token for a call with the scopes that step-ups have added, or without them if they are no longer granted. */
  async tokenForCall(signal: AbortSignal | undefined): Promise<AccessToken> {
    const steppedUp = this.#steppedUp;
    if (steppedUp) {
      try {
        return await this.#get(steppedUp, signal);
      } catch (error) {
        if (!isCredenceError(error) || error.retryable || error.leg === 'call') throw error;
        if (this.#steppedUp === steppedUp) this.#steppedUp = undefined;
      }
    }
    return this.#get(this.#base ?? (await this.#identified(signal)), signal);
  }

  /**
   * Acquires a token with the scopes that were requested for `token` and with `added` (SEP-2350). The caller has checked that the
   * configuration allows `added`. Throws `scope_not_granted` and the refusals of the IdP.
   */
  async stepUp(token: AccessToken, added: readonly string[], signal: AbortSignal | undefined): Promise<AccessToken> {
    // Scopes that were requested before and not granted are left out: the step-up would fail with `scope_not_granted`.
    const requested = (this.#steppedUp ?? this.#base)?.scopes ?? token.scopes;
    const wanted = this.#wanted(unionScopes(scopesNotIn(requested, token.missingScopes), added), {
      explicit: true,
      lasting: this.#user === undefined,
    });
    const stronger = await this.#get(wanted, signal);
    this.#steppedUp = wanted;
    return stronger;
  }

  reject(token: AccessToken, said: ServerRefusal): void {
    this.#manager.reject(token, said);
  }

  /** Lets the next call request a token although the last request was refused, because a person has found that it succeeds. */
  async forgetRefusals(): Promise<void> {
    if (this.#base) await this.#manager.forgetRefusals(this.#base);
    if (this.#steppedUp) await this.#manager.forgetRefusals(this.#steppedUp);
  }

  /** What is known about the token with the configured scopes. */
  get state(): KeyState {
    return this.#base ? this.#manager.stateOf(this.#base) : UNKNOWN_STATE;
  }

  /** The server accepted this token in a call. */
  accept(token: AccessToken): void {
    this.evidence.accepted(token);
    this.#manager.accept(token);
  }

  /** Reads the user's token, and returns the request for the token with the configured scopes. */
  async #identified(signal: AbortSignal | undefined): Promise<TokenWanted> {
    await this.#user?.identify(signal);
    // The timer does not renew the token of a user: at that time nobody may act for the user.
    this.#base ??= this.#wanted(this.settings.scopes, { explicit: false, lasting: false });
    return this.#base;
  }

  async #get(wanted: TokenWanted, signal: AbortSignal | undefined): Promise<AccessToken> {
    const user = this.#user;
    if (!user) return this.#manager.get(wanted, signal);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await waitFor(this.#manager.get(wanted, signal), user.closing);
      } catch (error) {
        // The acquisition was the one of another principal for the same user, which was closed.
        const isOfOther = isCredenceError(error) && error.code === 'closed' && !user.closing.aborted;
        if (!isOfOther || this.#manager.isClosed || attempt === MAX_JOINED) throw error;
      }
    }
  }

  #explicit(scopes: readonly string[]): TokenWanted {
    const { name, scopes: configured, stepUp } = this.settings;
    const malformed = scopes.find((scope) => !SCOPE_TOKEN.test(scope));
    if (scopes.length === 0 || malformed !== undefined) {
      throw new CredenceError({
        code: 'invalid_configuration',
        leg: 'configure',
        message:
          malformed === undefined
            ? `The list of scopes for server "${name}" is empty.`
            : `"${cleanText(malformed, { max: 60 })}" is not a scope token (RFC 6749 section 3.3).`,
        remedy: 'Name at least one scope, each as a string of its own, or leave the option out.',
        contact: 'you',
        server: name,
      });
    }
    const outside = configured === undefined ? [] : scopesNotIn(scopes, [...configured, ...stepUp]);
    if (outside.length > 0) {
      const names = outside.map((scope) => `"${scope}"`).join(', ');
      throw new CredenceError({
        code: 'scope_outside_ceiling',
        leg: 'configure',
        message: `${names} is not among the scopes configured for server "${name}".`,
        remedy: `Add it to servers.${name}.scopes or servers.${name}.stepUp if this bot is meant to have it.`,
        contact: 'you',
        server: name,
        missingScopes: outside,
      });
    }
    return this.#wanted(normaliseScopes(scopes), { explicit: true, lasting: false });
  }

  #wanted(scopes: readonly string[] | undefined, how: { explicit: boolean; lasting: boolean }): TokenWanted {
    const user = this.#user;
    const key = tokenKey(this.#idp, this.settings, scopes, user && { ...user.settings, cacheId: user.cacheId ?? '' });
    const flow = this.#flow;
    return {
      key,
      server: this.settings.name,
      scopes,
      ceiling: this.settings.excessScopes === 'accept' ? undefined : scopeCeiling(this.settings, scopes),
      omitsScope: this.settings.redeemScope === 'omit',
      ...how,
      limitedBy: this.settings.issuer === 'discover' ? this.settings.url.origin : this.settings.issuer,
      owner: user?.owner.memoryKey,
      acquire: (signal) => flow.acquire({ key, scopes, signal, user }),
      // The key of a user's token contains the user's token itself, which was checked.
      checkSubject: user ? undefined : async (signal) => flow.checkSubject?.(signal),
      checkCaller: user || !flow.checkCaller ? undefined : async (signal) => flow.checkCaller?.(signal),
    };
  }
}
