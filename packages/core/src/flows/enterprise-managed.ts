import { GRANT_JWT_BEARER, GRANT_JWT_DPOP } from '@credence/protocol';
import type { TokenClient } from '../backoff/client-backoff.ts';
import type { Directory } from '../discovery/directory.ts';
import type { TokenEndpoint } from '../discovery/token-endpoint.ts';
import { type CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import type { SubjectTokenTarget } from '../subjects/subject.ts';
import type { SubjectTokens } from './subject-tokens.ts';
import { exchange, type IdJag } from './exchange.ts';
import type { Flow, Grant, GrantRequest } from './flow.ts';
import { IdJagCache, type CachedIdJag } from './id-jag-cache.ts';
import { withFreshRetry, SingleUse } from './fresh-retry.ts';
import { scopeCeiling, scopesBeyond } from './granted-scopes.ts';
import { redeem } from './redeem.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';

const REFUSED_WHEN_NEW_MS = 60_000;

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
  /** A subject token that the IdP refused when it was new. A new subject token would also be refused. */
  #refusedWhenNew: { readonly token: string; readonly untilMs: number } | undefined;

  constructor(
    runtime: Runtime,
    settings: { idp: IdpSettings; server: ServerSettings },
    shared: { directory: Directory; subjects: SubjectTokens; store?: SharedStore | undefined },
  ) {
    this.#runtime = runtime;
    this.#idp = settings.idp;
    this.#server = settings.server;
    this.#directory = shared.directory;
    this.#subjects = shared.subjects;
    this.#singleUse = new SingleUse(runtime.clock);
    this.#idJags = new IdJagCache(runtime, shared.store);
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
        return this.#redeem(request, redemption);
      },
      isRefused: isInvalidGrant,
      drop,
      refusedWhenNew: drop,
    });
  }

  /**
   * The cached ID-JAG, or a new one. An ID-JAG that another process has stored, perhaps with `excessScopes: 'accept'`, is not used if this
   * process would have refused it.
   */
  async #idJag(request: GrantRequest, obtain: () => Promise<IdJag>): Promise<{ value: CachedIdJag; reused: boolean }> {
    const found = await this.#idJags.get(request.key, obtain);
    const { fromStore, scopes = [] } = found.value;
    if (!fromStore || this.#server.excessScopes === 'accept') return found;
    const ceiling = scopeCeiling(this.#server, request.scopes);
    if (ceiling === undefined || scopesBeyond(scopes, ceiling).length === 0) return found;
    await this.#idJags.drop(request.key, found.value);
    return this.#idJags.get(request.key, obtain);
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
    const { signal } = request;
    const idp = this.#directory.idp(this.#idp, 'idp.issuer', signal);
    const known: Promise<Known> = Promise.all([
      target,
      idp,
      this.#idp.actor && this.#subjects.get(this.#idp.actor, this.#tokensFor(idp), signal),
      as,
    ]);
    const { rotation } = this.#idp.subject;
    const exchangeOnce = async () => this.#exchange(request, known, this.#tokensFor(idp));
    return rotation ? rotation.exclusively(exchangeOnce, signal) : exchangeOnce();
  }

  /** Subject and actor tokens are sent to the IdP. */
  #tokensFor(endpoint: Promise<TokenEndpoint>): SubjectTokenTarget {
    return { issuer: this.#idp.issuer, tokenEndpoint: async () => (await endpoint).url };
  }

  async #exchange(request: GrantRequest, known: Promise<Known>, idp: SubjectTokenTarget): Promise<IdJag> {
    const { signal } = request;
    return withFreshRetry<string, IdJag>(this.#subjects.singleUse, {
      get: async () => {
        const [subject] = await Promise.all([this.#subjects.get(this.#idp.subject, idp, signal), known]);
        return subject;
      },
      present: async (subjectToken, onAttempt) => {
        const [{ resource, issuer }, endpoint, actor, redeemAt] = await known;
        // While the authorization server refuses the client, an ID-JAG is of no use.
        await this.#runtime.clients.check(this.#redeemClient(redeemAt));
        return exchange(this.#runtime, {
          idp: this.#idp,
          endpoint,
          server: this.#server,
          subjectToken,
          actorToken: actor?.value,
          audience: issuer,
          resource,
          scopes: request.scopes,
          signal,
          onAttempt,
        });
      },
      isRefused: (error, token) => isSubjectTokenRefused(error) && !this.#wasRefusedWhenNew(token),
      drop: async (token) => this.#subjects.drop(this.#idp.subject, idp, token),
      refusedWhenNew: (token) => this.#noteRefusedWhenNew(token),
    });
  }

  /** Some IdPs answer `invalid_grant` if their policy refuses. Without this note each such refusal would cost three requests. */
  #noteRefusedWhenNew(token: string): void {
    this.#refusedWhenNew = { token, untilMs: this.#runtime.clock.monotonicMs() + REFUSED_WHEN_NEW_MS };
  }

  #wasRefusedWhenNew(token: string): boolean {
    const { token: refused, untilMs = 0 } = this.#refusedWhenNew ?? {};
    return refused === token && this.#runtime.clock.monotonicMs() < untilMs;
  }
}

type RedeemEndpoint = TokenEndpoint & { readonly supportsJwtDpop: boolean };

/** What is known before the exchange: the target, the endpoints of the IdP and of the authorization server, and the actor token. */
type Known = readonly [
  { readonly resource: string; readonly issuer: string },
  TokenEndpoint,
  { readonly value: string } | undefined,
  RedeemEndpoint,
];

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

/** RFC 8693 section 2.2.2 defines `invalid_request` for an invalid subject token; most IdPs answer `invalid_grant`. */
function isSubjectTokenRefused(error: unknown): boolean {
  return (
    isCredenceError(error) &&
    error.leg === 'exchange' &&
    (error.code === 'invalid_grant' || error.code === 'invalid_request')
  );
}
