import { GRANT_JWT_BEARER, GRANT_JWT_DPOP, lruCache } from '@credence/protocol';
import type { TokenClient } from '../backoff/client-backoff.ts';
import type { Directory } from '../discovery/directory.ts';
import type { TokenEndpoint } from '../discovery/token-endpoint.ts';
import { type CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { copyOf } from '../errors/same-failure.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import type { SubjectTokens } from './subject-tokens.ts';
import { exchange, type ExchangeRequest, type IdJag } from './exchange.ts';
import type { UserSession } from './user-session.ts';
import type { Flow, Grant, GrantRequest } from './flow.ts';
import { IdJagCache, type CachedIdJag } from './id-jag-cache.ts';
import type { IdJagSubjects } from './id-jag-subjects.ts';
import { hashOf, type KnownSubjects } from './known-subjects.ts';
import {
  type ActorDrops,
  type SubjectForExchange,
  subjectOfBot,
  subjectOfUser,
  type TokensToSend,
} from './subject-for-exchange.ts';
import { SubjectChecks } from './subject-checks.ts';
import { withFreshRetry, SingleUse } from './fresh-retry.ts';
import { scopeCeiling, scopesBeyond } from './granted-scopes.ts';
import { redeem } from './redeem.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';

/** The parts that the flows of a principal share. */
export interface FlowParts {
  readonly directory: Directory;
  readonly subjects: SubjectTokens;
  readonly store?: SharedStore | undefined;
  readonly known: KnownSubjects;
  readonly idJagSubjects: IdJagSubjects;
  /** How many ID-JAGs each flow caches. */
  readonly maxIdJags?: number | undefined;
}

const REFUSED_WHEN_NEW_MS = 60_000;
const MAX_REFUSED = 1_000;
const ACTOR_PAUSE_MS = 60_000;

/**
 * The flow `enterprise-managed`: discover, authenticate, exchange, redeem. Metadata, subject tokens and ID-JAGs are cached
 * until they expire, so that the next access token needs only one request.
 */
export class EnterpriseManagedFlow implements Flow {
  readonly #runtime: Runtime;
  readonly #idp: IdpSettings;
  readonly #server: ServerSettings;
  readonly #directory: Directory;
  readonly #subjects: SubjectTokens;
  readonly #idJags: IdJagCache;
  /** Whether the authorization server accepts each ID-JAG only once. */
  readonly #singleUse: SingleUse;
  /** Whether the IdP accepts each token of a user only once. */
  readonly #userSingleUse: SingleUse;
  /** One user whose token is refused again and again must not make the bot request a token of its own each time. */
  readonly #actorDrops: ActorDrops;
  /** By hash, the subject tokens that the IdP refused when they were new. A new subject token would also be refused. */
  readonly #refusedWhenNew = lruCache<{ readonly untilMs: number }>(MAX_REFUSED);
  readonly #checks: SubjectChecks;

  constructor(runtime: Runtime, settings: { idp: IdpSettings; server: ServerSettings }, shared: FlowParts) {
    this.#runtime = runtime;
    this.#idp = settings.idp;
    this.#server = settings.server;
    this.#directory = shared.directory;
    this.#subjects = shared.subjects;
    this.#singleUse = new SingleUse(runtime.clock);
    this.#userSingleUse = new SingleUse(runtime.clock);
    let actorDroppedAtMs = -Infinity;
    this.#actorDrops = {
      isAllowed: () => runtime.clock.monotonicMs() - actorDroppedAtMs >= ACTOR_PAUSE_MS,
      dropped: () => {
        actorDroppedAtMs = runtime.clock.monotonicMs();
      },
    };
    this.#idJags = new IdJagCache(runtime, shared.store, shared.maxIdJags);
    this.#checks = new SubjectChecks(runtime, settings, shared);
  }

  async acquire(request: GrantRequest): Promise<Grant> {
    try {
      return await this.#acquire(request);
    } catch (error) {
      if (isEndpointGone(error)) this.#directory.forget(this.#server, this.#idp, error);
      throw error;
    }
  }

  async #acquire(request: GrantRequest): Promise<Grant> {
    const { signal, key } = request;
    const target = this.#directory.target(this.#server, signal);
    const as = this.#authorizationServer(target, signal);
    // Both promises are awaited below. If one rejects first, the rejection of the other must not be reported as unhandled.
    for (const started of [target, as]) started.catch(() => undefined);
    const drop = async (idJag: CachedIdJag) => this.#idJags.drop(key, idJag);

    return withFreshRetry<CachedIdJag, Grant>(this.#singleUse, {
      get: async () => this.#idJag(request, async () => this.#obtain(request, target, as)),
      present: async (idJag, onAttempt) => {
        const redemption = { idJag, resource: (await target).resource, as: await as, onAttempt };
        if (this.#singleUse.isKnown()) await drop(idJag);
        const grant = await this.#redeem(request, redemption);
        // The answer to another exchange may have shown in the meantime that this one was wrong.
        const refusal = this.#checks.refusalOf(request.user, idJag.assertion);
        if (refusal) throw refusal;
        return grant;
      },
      isRefused: isInvalidGrant,
      drop,
      refusedWhenNew: drop,
    });
  }

  /**
   * The cached ID-JAG, or a new one. An ID-JAG that another process has stored, perhaps with `excessScopes: 'accept'`, is not used if this
   * process would have refused it; nor is one whose subject was found to be wrong.
   */
  async #idJag(request: GrantRequest, obtain: () => Promise<IdJag>): Promise<{ value: CachedIdJag; reused: boolean }> {
    const found = await this.#idJags.get(request.key, obtain);
    if (!found.reused || this.#mayReuse(request, found.value)) return found;
    await this.#idJags.drop(request.key, found.value);
    return this.#idJags.get(request.key, obtain);
  }

  #mayReuse({ user, scopes: requested }: GrantRequest, { assertion, fromStore, scopes = [] }: CachedIdJag): boolean {
    if (this.#checks.refusalOf(user, assertion)) return false;
    if (!fromStore || this.#server.excessScopes === 'accept') return true;
    const ceiling = scopeCeiling(this.#server, requested);
    return ceiling === undefined || scopesBeyond(scopes, ceiling).length === 0;
  }

  async #redeem(request: GrantRequest, { idJag, resource, as, onAttempt }: Redemption): Promise<Grant> {
    const offered = idJag.scopes ?? request.scopes;
    this.#directory.useCredential(this.#server, as.issuer);
    const grant = await redeem(this.#runtime, {
      server: this.#server,
      endpoint: as,
      resource,
      grantType: this.#redeemClient(as).grantType,
      grant: 'jwt-bearer',
      assertion: idJag.assertion,
      usesIdp: true,
      // Some authorization servers issue only the scopes of the request, so the scopes of the ID-JAG are repeated there.
      scopes: this.#server.redeemScope === 'omit' || offered?.length === 0 ? undefined : offered,
      requested: request.scopes,
      impliedScopes: offered,
      signal: request.signal,
      onAttempt,
    });
    return {
      ...grant,
      scopesStated: grant.scopesStated || idJag.scopes !== undefined,
      subject: idJag.subject,
      actor: idJag.actor,
      refused: this.#idJags.onTokenRefused(request.key, idJag),
    };
  }

  #redeemClient(as: RedeemEndpoint): TokenClient {
    const { name: server, credential, dpop } = this.#server;
    const grantType = dpop && as.supportsJwtDpop ? GRANT_JWT_DPOP : GRANT_JWT_BEARER;
    return { issuer: as.issuer, grantType, credential, server };
  }

  async #authorizationServer(target: Promise<{ issuer: string }>, signal: AbortSignal): Promise<RedeemEndpoint> {
    const pinned = this.#server.issuer === 'discover' ? undefined : this.#server.issuer;
    const issuer = pinned ?? (await target).issuer;
    const { metadata, ...endpoint } = await this.#directory.authorizationServer(this.#server, issuer, signal);
    return { ...endpoint, supportsJwtDpop: metadata?.grantTypes?.includes(GRANT_JWT_DPOP) ?? false };
  }

  /** Runs the legs up to the ID-JAG. Requests that do not depend on each other are sent concurrently. */
  async #obtain(
    request: GrantRequest,
    target: Promise<{ resource: string; issuer: string }>,
    as: Promise<RedeemEndpoint>,
  ): Promise<IdJag> {
    const { signal, user } = request;
    const endpoint = this.#directory.idp(this.#idp, 'idp.issuer', signal);
    const known: Promise<Known> = Promise.all([target, endpoint, as]);
    // Subject and actor tokens are sent to the IdP.
    const idp = { issuer: this.#idp.issuer, tokenEndpoint: async () => (await endpoint).url };
    const parts = { idp: this.#idp, subjects: this.#subjects, target: idp };
    const subject = user
      ? subjectOfUser(parts, user, { singleUse: this.#userSingleUse, actorDrops: this.#actorDrops })
      : subjectOfBot(parts);
    const exchangeOnce = async () => this.#exchange(request, subject, known);
    return subject.rotation ? subject.rotation.exclusively(exchangeOnce, signal) : exchangeOnce();
  }

  async #exchange(request: GrantRequest, subject: SubjectForExchange, known: Promise<Known>): Promise<IdJag> {
    const { signal, user } = request;
    let refused: { readonly sent: TokensToSend; readonly error: unknown } | undefined;
    return withFreshRetry<TokensToSend, IdJag>(subject.singleUse, {
      get: async () => {
        const [sent] = await Promise.all([subject.get(signal), known]);
        // The same tokens would be refused again.
        if (refused?.sent.subject.token === sent.value.subject.token && refused.sent.actor === sent.value.actor)
          throw refused.error;
        return sent;
      },
      present: async (sent, onAttempt) => {
        const [{ resource, issuer }, endpoint, redeemAt] = await known;
        // While the authorization server refuses the client, an ID-JAG is of no use.
        await this.#runtime.clients.check(this.#redeemClient(redeemAt));
        return this.#checks.around(user, { subject, sent, audience: issuer }, async () =>
          this.#exchangeFor(user, {
            idp: this.#idp,
            endpoint,
            server: this.#server,
            subjectToken: sent.subject,
            actorToken: sent.actor,
            rotation: subject.rotation,
            audience: issuer,
            resource,
            scopes: request.scopes,
            signal,
            onAttempt,
          }),
        );
      },
      isRefused: (error, sent) => {
        const isRefused = isSubjectTokenRefused(error) && !this.#wasRefusedWhenNew(sent.subject.token);
        if (isRefused) refused = { sent, error };
        return isRefused;
      },
      drop: async (sent) => subject.drop(sent),
      isReplaced: subject.isReplaced,
      refusedWhenNew: ({ subject: { token } }) => this.#noteRefusedWhenNew(token),
    });
  }

  /** The refusal of a user's exchange names the user: the grants of the user decide, not those of the bot. */
  async #exchangeFor(user: UserSession | undefined, request: ExchangeRequest): Promise<IdJag> {
    try {
      return await exchange(this.#runtime, request);
    } catch (error) {
      if (!user || !isCredenceError(error) || !isAboutGrants(error)) throw error;
      const named = (text: string) => text.replaceAll(/\b(?:this|the) principal\b/gu, user.owner.shown);
      const message = `${named(error.message)} The bot acts for ${user.owner.shown}.`;
      throw copyOf(error, { server: this.#server.name, message, remedy: named(error.remedy) });
    }
  }

  async checkSubject(signal: AbortSignal): Promise<void> {
    return this.#checks.checkSubject(signal);
  }

  async checkCaller(signal: AbortSignal | undefined): Promise<void> {
    return this.#checks.checkCaller(signal);
  }

  /** Some IdPs answer `invalid_grant` if their policy refuses. Without this note each such refusal would cost three requests. */
  #noteRefusedWhenNew(token: string): void {
    this.#refusedWhenNew.set(hashOf([token]), { untilMs: this.#runtime.clock.monotonicMs() + REFUSED_WHEN_NEW_MS });
  }

  #wasRefusedWhenNew(token: string): boolean {
    const { untilMs = 0 } = this.#refusedWhenNew.get(hashOf([token])) ?? {};
    return this.#runtime.clock.monotonicMs() < untilMs;
  }
}

type RedeemEndpoint = TokenEndpoint & { readonly supportsJwtDpop: boolean };

/** What is known before the exchange: the target, and the endpoints of the IdP and of the authorization server. */
type Known = readonly [{ readonly resource: string; readonly issuer: string }, TokenEndpoint, RedeemEndpoint];

interface Redemption {
  readonly idJag: CachedIdJag;
  readonly resource: string;
  readonly as: RedeemEndpoint;
  readonly onAttempt: (attempt: number) => void;
}

function isInvalidGrant(error: unknown): error is CredenceError {
  return isCredenceError(error) && error.leg === 'redeem' && error.code === 'invalid_grant';
}

/** Whether the error shows that the endpoint does not exist any more, so that the metadata must be fetched again. */
function isEndpointGone(error: unknown): error is CredenceError {
  return isCredenceError(error) && error.leg !== 'discover' && (error.code === 'unreachable' || error.status === 404);
}

/** Whether somebody at the IdP can grant what the error says is missing. */
function isAboutGrants({ code }: CredenceError): boolean {
  return code === 'access_denied' || code === 'invalid_grant' || code === 'invalid_scope' || code === 'invalid_target';
}

/** RFC 8693 section 2.2.2 defines `invalid_request` for an invalid subject token; most IdPs answer `invalid_grant`. */
function isSubjectTokenRefused(error: unknown): boolean {
  return (
    isCredenceError(error) &&
    error.leg === 'exchange' &&
    (error.code === 'invalid_grant' || error.code === 'invalid_request')
  );
}
