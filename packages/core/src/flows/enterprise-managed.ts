import { GRANT_JWT_BEARER, GRANT_JWT_DPOP } from '@credence/protocol';
import { Kept } from '../cache/kept.ts';
import type { Directory } from '../discovery/directory.ts';
import { type CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { TokenEndpoint } from '../oauth/token-endpoint.ts';
import type { Runtime } from '../runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import type { SubjectTokens } from '../subjects/subject-tokens.ts';
import { exchange, type IdJag } from './exchange.ts';
import type { Flow, Grant, GrantRequest } from './flow.ts';
import { IdJagShelf, type ShelvedIdJag } from './id-jag-shelf.ts';
import { redeem } from './redeem.ts';
import type { IdpSettings, ServerSettings } from './settings.ts';

const REMEMBERED_MS = 3_600_000;
const REFUSED_WHEN_NEW_MS = 60_000;

/**
 * The way through the IdP: discover, authenticate, exchange, redeem. Metadata, subject token and ID-JAG are kept while they
 * are good, so that a further access token costs one request.
 */
export class EnterpriseManagedFlow implements Flow {
  readonly #runtime: Runtime;
  readonly #idp: IdpSettings;
  readonly #server: ServerSettings;
  readonly #directory: Directory;
  readonly #subjects: SubjectTokens;
  readonly #shelf: IdJagShelf;
  #idJagsTakenOnceUntilMs = 0;
  /** A subject token that was refused while it was new: the refusal is not about its age. */
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
    this.#shelf = new IdJagShelf(runtime, new Kept(runtime.clock, 100), shared.store);
  }

  async acquire(request: GrantRequest): Promise<Grant> {
    try {
      return await this.#acquire(request);
    } catch (error) {
      if (isEndpointGone(error)) this.#directory.forget(this.#server, this.#idp);
      throw error;
    }
  }

  async #acquire(request: GrantRequest): Promise<Grant> {
    const { signal, key } = request;
    const target = this.#directory.target(this.#server, signal);
    const as = this.#authorizationServer(target, signal);
    // both are awaited below, but perhaps not both before the first of them fails
    for (const started of [target, as]) started.catch(() => undefined);
    const obtain = () => this.#obtain(request, target, as);

    const { idJag, reused } = await this.#shelf.get(key, obtain);
    const redemption = { resource: (await target).resource, as: await as };
    let attempts = 0;
    try {
      return await this.#redeem(request, { ...redemption, idJag }, (attempt) => {
        attempts = attempt;
      });
    } catch (error) {
      if (!isInvalidGrant(error)) throw error;
      await this.#shelf.drop(key, idJag);
      if (!reused && attempts < 2) throw error;
    }
    // it was presented before, by an earlier renewal or by a try whose answer was lost: one fresh chain decides
    const fresh = await this.#shelf.get(key, obtain);
    const grant = await this.#redeem(request, { ...redemption, idJag: fresh.idJag });
    if (reused) {
      this.#idJagsTakenOnceUntilMs = this.#runtime.clock.monotonicMs() + REMEMBERED_MS;
      await this.#shelf.drop(key, fresh.idJag);
    }
    return grant;
  }

  async #redeem(
    request: GrantRequest,
    { idJag, resource, as }: { idJag: ShelvedIdJag; resource: string; as: RedeemEndpoint },
    onAttempt?: (attempt: number) => void,
  ): Promise<Grant> {
    if (this.#takesIdJagsOnce()) await this.#shelf.drop(request.key, idJag);
    const grant = await redeem(this.#runtime, {
      server: this.#server,
      endpoint: as,
      resource,
      grantType: this.#server.dpop && as.takesJwtDpop ? GRANT_JWT_DPOP : GRANT_JWT_BEARER,
      grant: 'jwt-bearer',
      assertion: idJag.assertion,
      // the ID-JAG itself says what was granted; only one that is silent leaves it to the request
      scopes: idJag.scopes === undefined ? request.scopes : undefined,
      impliedScopes: idJag.scopes ?? request.scopes,
      signal: request.signal,
      ...(onAttempt && { onAttempt }),
    });
    return {
      ...grant,
      scopesStated: grant.scopesStated || idJag.scopes !== undefined,
      refused: this.#shelf.doubting(request.key, idJag),
    };
  }

  #takesIdJagsOnce(): boolean {
    return this.#runtime.clock.monotonicMs() < this.#idJagsTakenOnceUntilMs;
  }

  async #authorizationServer(target: Promise<{ issuer: string }>, signal: AbortSignal): Promise<RedeemEndpoint> {
    const pinned = this.#server.issuer === 'discover' ? undefined : this.#server.issuer;
    const issuer = pinned ?? (await target).issuer;
    const { metadata, ...endpoint } = await this.#directory.authorizationServer(this.#server, issuer, signal);
    return { ...endpoint, takesJwtDpop: metadata?.grantTypes?.includes(GRANT_JWT_DPOP) ?? false };
  }

  /** The legs up to the ID-JAG; what does not depend on each other is asked for at the same time. */
  async #obtain(
    request: GrantRequest,
    target: Promise<{ resource: string; issuer: string }>,
    as: Promise<RedeemEndpoint>,
  ): Promise<IdJag> {
    const { signal } = request;
    const [{ resource, issuer }, endpoint, subject, actor] = await Promise.all([
      target,
      this.#directory.idp(this.#idp, 'idp.issuer', signal),
      this.#subjects.get(this.#idp.subject, signal),
      this.#idp.actor && this.#subjects.get(this.#idp.actor, signal),
      as,
    ]);
    let attempts = 0;
    const ask = (subjectToken: string) =>
      exchange(this.#runtime, {
        idp: this.#idp,
        endpoint,
        server: this.#server,
        subjectToken,
        actorToken: actor?.value,
        audience: issuer,
        resource,
        scopes: request.scopes,
        signal,
        onAttempt: (attempt) => {
          attempts = attempt;
        },
      });
    try {
      return await ask(subject.value);
    } catch (error) {
      if (!isAboutSubjectToken(error) || this.#wasRefusedWhenNew(subject.value)) throw error;
      if (!subject.reused && attempts < 2) {
        this.#noteRefusedWhenNew(subject.value);
        throw error;
      }
    }
    // a kept subject token may have been revoked or spent: one fresh one decides
    await this.#subjects.drop(this.#idp.subject, subject.value);
    const fresh = (await this.#subjects.get(this.#idp.subject, signal)).value;
    try {
      const idJag = await ask(fresh);
      if (subject.reused) this.#subjects.areTakenOnce();
      return idJag;
    } catch (error) {
      if (isAboutSubjectToken(error)) this.#noteRefusedWhenNew(fresh);
      throw error;
    }
  }

  /** Some IdPs say `invalid_grant` for "no": asking for another subject token each time would be three requests for one. */
  #noteRefusedWhenNew(token: string): void {
    this.#refusedWhenNew = { token, untilMs: this.#runtime.clock.monotonicMs() + REFUSED_WHEN_NEW_MS };
  }

  #wasRefusedWhenNew(token: string): boolean {
    const { token: refused, untilMs = 0 } = this.#refusedWhenNew ?? {};
    return refused === token && this.#runtime.clock.monotonicMs() < untilMs;
  }
}

type RedeemEndpoint = TokenEndpoint & { readonly takesJwtDpop: boolean };

function isInvalidGrant(error: unknown): error is CredenceError {
  return isCredenceError(error) && error.leg === 'redeem' && error.code === 'invalid_grant';
}

/** An answer by which the metadata that named the endpoint is worth asking for again. */
function isEndpointGone(error: unknown): boolean {
  return isCredenceError(error) && error.leg !== 'discover' && (error.code === 'unreachable' || error.status === 404);
}

/** RFC 8693 section 2.2.2 has `invalid_request` for a bad subject token; most answer `invalid_grant`. */
function isAboutSubjectToken(error: unknown): boolean {
  return (
    isCredenceError(error) &&
    error.leg === 'exchange' &&
    (error.code === 'invalid_grant' || error.code === 'invalid_request')
  );
}
