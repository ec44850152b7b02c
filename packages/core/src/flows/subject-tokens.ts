import { createHash } from 'node:crypto';
import { GRANT_CLIENT_CREDENTIALS, parseJsonObject, stringField } from '@credence/protocol';
import { decodeJwt } from 'jose';
import { type CachedValue, RefreshingCache } from '../cache/refreshing-cache.ts';
import type { Directory } from '../discovery/directory.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { IdpSettings } from '../settings/settings.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { SingleUse } from './present-kept.ts';
import type { SubjectContext, SubjectToken, SubjectTokenSource } from '../subjects/subject.ts';

const SPARE_MS = 30_000;

/** Subject tokens of one principal, each asked for once and kept while it is good. */
export class SubjectTokens {
  /** Whether the IdP accepts each subject token only once: then none is kept. */
  readonly singleUse: SingleUse;
  readonly #runtime: Runtime;
  readonly #idp: IdpSettings | undefined;
  readonly #directory: Directory;
  readonly #store: SharedStore | undefined;
  readonly #cache: RefreshingCache<string>;
  /** Sources by the order they were met in. */
  readonly #numbers = new WeakMap<SubjectTokenSource, number>();
  #met = 0;

  constructor(runtime: Runtime, idp: IdpSettings | undefined, directory: Directory, store?: SharedStore) {
    this.singleUse = new SingleUse(runtime.clock);
    this.#runtime = runtime;
    this.#store = store?.keepsSubjectTokens ? store : undefined;
    this.#idp = idp;
    this.#directory = directory;
    this.#cache = new RefreshingCache(runtime.clock);
  }

  async get(source: SubjectTokenSource, signal: AbortSignal): Promise<{ value: string; reused: boolean }> {
    const obtain = async () => {
      const shared = await this.#fromStore(source);
      if (shared) return shared;
      const { token, expiresInSeconds = 0 } = await this.#obtain(source, signal);
      const leftMs = this.singleUse.isKnown() ? 0 : expiresInSeconds * 1000;
      const usefulMs = leftMs - Math.min(SPARE_MS, leftMs / 10);
      await this.#store?.set(this.#storeKey(source), this.#serialise(token, usefulMs), usefulMs);
      return { value: token, goodUntilMs: this.#runtime.clock.monotonicMs() + usefulMs };
    };
    return this.#cache.get(this.#keyHere(source), obtain, signal);
  }

  async drop(source: SubjectTokenSource, token: string): Promise<void> {
    this.#cache.drop(this.#keyHere(source), token);
    const text = await this.#store?.get(this.#storeKey(source));
    if (text !== undefined && stringField(parseJsonObject(text), 'token') === token) {
      await this.#store?.delete(this.#storeKey(source), text);
    }
  }

  async #fromStore(source: SubjectTokenSource): Promise<CachedValue<string> | undefined> {
    const text = await this.#store?.get(this.#storeKey(source));
    const stored = text === undefined ? undefined : parseJsonObject(text);
    const token = stringField(stored, 'token');
    const leftMs = Number(stored?.['goodUntilMs']) - this.#runtime.clock.wallMs();
    if (token === undefined || !(leftMs > 0)) return undefined;
    return { value: token, goodUntilMs: this.#runtime.clock.monotonicMs() + leftMs };
  }

  #serialise(token: string, usefulMs: number): string {
    return JSON.stringify({ token, goodUntilMs: this.#runtime.clock.wallMs() + usefulMs });
  }

  /**
   * What `ownToken` was given says all there is about it. Of other sources, two that look the same may still give the tokens of
   * two workloads, or of one for two audiences: within this process each is its own, also where both are asked at once.
   */
  #keyHere(source: SubjectTokenSource): string {
    if (source.kind === 'ownToken') return keyOf(source);
    let number = this.#numbers.get(source);
    if (number === undefined) {
      this.#met += 1;
      number = this.#met;
      this.#numbers.set(source, number);
    }
    return `${keyOf(source)}#${number}`;
  }

  #storeKey(source: SubjectTokenSource): string {
    const parts = [this.#idp?.issuer, this.#idp?.credential.clientId, keyOf(source)];
    return `${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}.subject`;
  }

  /** A source that asks a token endpoint is reported by that request; one that asks the application is reported here. */
  async #obtain(source: SubjectTokenSource, signal: AbortSignal): Promise<SubjectToken> {
    let asksEndpoint = false;
    const context: SubjectContext = {
      signal,
      clientCredentials: (request) => {
        asksEndpoint = true;
        return this.#clientCredentials(request, signal);
      },
    };
    const startedMs = this.#runtime.clock.monotonicMs();
    const tell = (failure?: unknown) => {
      if (asksEndpoint) return;
      this.#runtime.emit({
        type: 'leg',
        leg: 'authenticate',
        operation: 'subject-token',
        ok: failure === undefined,
        durationMs: this.#runtime.clock.monotonicMs() - startedMs,
        code: isCredenceError(failure) ? failure.code : undefined,
      });
    };
    try {
      const token = await source.get(context);
      tell();
      return token;
    } catch (error) {
      tell(error);
      throw error;
    }
  }

  async #clientCredentials(
    request: Parameters<SubjectContext['clientCredentials']>[0],
    signal: AbortSignal,
  ): Promise<SubjectToken> {
    const elsewhere = request.issuer !== undefined && request.issuer !== this.#idp?.issuer;
    const target = elsewhere && request.issuer !== undefined ? { issuer: request.issuer } : this.#idp;
    // the IdP's own credential goes to the IdP and to nobody else
    const credential = request.credential ?? (elsewhere ? undefined : this.#idp?.credential);
    if (!target || !credential) throw withoutIdp();
    const option = elsewhere ? 'idp.subject (ownToken({ issuer }))' : 'idp.issuer';
    const endpoint = await this.#directory.idp(target, option, signal);
    const answer = await requestToken(this.#runtime, {
      grantType: GRANT_CLIENT_CREDENTIALS,
      grant: 'client_credentials',
      leg: 'authenticate',
      operation: 'client-credentials',
      contact: 'idp-admin',
      option: request.credential ? 'idp.subject (ownToken({ credential }))' : 'idp.credential',
      endpoint,
      credential,
      parameters: request.parameters,
      signal,
    });
    const token = request.field === 'access_token' ? answer.accessToken : stringField(answer.body, request.field);
    if (token === undefined || token === '') {
      throw new CredenceError({
        code: 'invalid_response',
        leg: 'authenticate',
        message: `The IdP ${endpoint.issuer} answered client_credentials without the field "${request.field}".`,
        remedy: 'Check ownToken({ field, scope }): an id_token usually comes only with the scope "openid".',
        contact: 'idp-admin',
        issuer: endpoint.issuer,
      });
    }
    const isAccessToken = request.field === 'access_token';
    return { token, expiresInSeconds: isAccessToken ? answer.expiresInSeconds : jwtLifetimeSeconds(token) };
  }
}

function withoutIdp(): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: 'ownToken() gets its token at the IdP, and there is no idp.',
    remedy: 'Give idp, or ownToken({ issuer, credential }), or another source of the token.',
    contact: 'you',
  });
}

/** Another token than the access token has a life of its own; a JWT says which. */
function jwtLifetimeSeconds(token: string): number | undefined {
  try {
    const { iat, exp } = decodeJwt(token);
    return iat === undefined || exp === undefined ? undefined : exp - iat;
  } catch {
    return undefined;
  }
}

function keyOf(source: SubjectTokenSource): string {
  return `${source.kind} ${source.type} ${source.identity}`;
}
