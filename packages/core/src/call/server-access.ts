import { cleanText, scopesNotIn, normaliseScopes, SCOPE_TOKEN, unionScopes } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Flow } from '../flows/flow.ts';
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
  readonly #base: TokenWanted;
  #steppedUp: TokenWanted | undefined;

  constructor(
    settings: ServerSettings,
    idp: IdpSettings | undefined,
    flow: Flow,
    manager: TokenManager,
    original?: ServerAccess,
  ) {
    this.settings = settings;
    this.#idp = idp;
    this.#flow = flow;
    this.#manager = manager;
    this.evidence = original?.evidence ?? new Evidence();
    this.failures = original?.failures ?? new FailedCalls();
    this.lostSessions = original?.lostSessions ?? new LostSessions();
    this.#base = this.#wanted(settings.scopes, { explicit: false, lasting: true });
  }

  /** The same server for calls that do not step up and do not use the scopes of step-ups. Its token is shared with this one. */
  withoutStepUp(): ServerAccess {
    const settings = { ...this.settings, stepUp: [] };
    return new ServerAccess(settings, this.#idp, this.#flow, this.#manager, this);
  }

  /** A token with the configured scopes, or with `scopes` if they are defined. */
  async token(scopes: readonly string[] | undefined, signal: AbortSignal | undefined): Promise<AccessToken> {
    return this.#manager.get(scopes === undefined ? this.#base : this.#explicit(scopes), signal);
  }

  /** The token with the configured scopes if a valid one is cached, else undefined. */
  peek(): AccessToken | undefined {
    return this.#manager.peek(this.#base);
  }

  /** The token for a call if a valid one is cached, else undefined. */
  peekForCall(): AccessToken | undefined {
    return this.#manager.peek(this.#steppedUp ?? this.#base);
  }

  /** The token for a call with the scopes that step-ups have added, or without them if they are no longer granted. */
  async tokenForCall(signal: AbortSignal | undefined): Promise<AccessToken> {
    const steppedUp = this.#steppedUp;
    if (steppedUp) {
      try {
        return await this.#manager.get(steppedUp, signal);
      } catch (error) {
        if (!isCredenceError(error) || error.retryable || error.leg === 'call') throw error;
        if (this.#steppedUp === steppedUp) this.#steppedUp = undefined;
      }
    }
    return this.#manager.get(this.#base, signal);
  }

  /**
   * Acquires a token with the scopes that were requested for `token` and with `added` (SEP-2350). The caller has checked that the
   * configuration allows `added`. Throws `scope_not_granted` and the refusals of the IdP.
   */
  async stepUp(token: AccessToken, added: readonly string[], signal: AbortSignal | undefined): Promise<AccessToken> {
    // Scopes that were requested before and not granted are left out: the step-up would fail with `scope_not_granted`.
    const requested = (this.#steppedUp ?? this.#base).scopes ?? token.scopes;
    const wanted = this.#wanted(unionScopes(scopesNotIn(requested, token.missingScopes), added), {
      explicit: true,
      lasting: true,
    });
    const stronger = await this.#manager.get(wanted, signal);
    this.#steppedUp = wanted;
    return stronger;
  }

  reject(token: AccessToken, said: ServerRefusal): void {
    this.#manager.reject(token, said);
  }

  /** Lets the next call request a token although the last request was refused, because a person has found that it succeeds. */
  async forgetRefusals(): Promise<void> {
    await this.#manager.forgetRefusals(this.#base);
    if (this.#steppedUp) await this.#manager.forgetRefusals(this.#steppedUp);
  }

  /** What is known about the token with the configured scopes. */
  get state(): KeyState {
    return this.#manager.stateOf(this.#base);
  }

  /** The server accepted this token in a call. */
  accept(token: AccessToken): void {
    this.evidence.accepted(token);
    this.#manager.accept(token);
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
    const key = tokenKey(this.#idp, this.settings, scopes);
    return {
      key,
      server: this.settings.name,
      scopes,
      ceiling: this.settings.excessScopes === 'accept' ? undefined : scopeCeiling(this.settings, scopes),
      omitsScope: this.settings.redeemScope === 'omit',
      ...how,
      limitedBy: this.settings.issuer === 'discover' ? this.settings.url.origin : this.settings.issuer,
      acquire: (signal) => this.#flow.acquire({ key, scopes, signal }),
    };
  }
}
