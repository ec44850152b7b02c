import { createHash } from 'node:crypto';
import { GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE, parseJsonObject, stringField } from '@credence/protocol';
import { decodeJwt } from 'jose';
import { type CachedValue, RefreshingCache } from '../cache/refreshing-cache.ts';
import type { Directory } from '../discovery/directory.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { mayPass } from '../errors/may-pass.ts';
import type { IdpSettings } from '../settings/settings.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SharedStore } from '../store/shared-store.ts';
import { untilReadable } from '../workload/until-readable.ts';
import { usefulSeconds } from '../workload/workload-token.ts';
import { SingleUse } from './fresh-retry.ts';
import { callsGetter } from '../subjects/from-getter.ts';
import type { SubjectContext, SubjectToken, SubjectTokenSource, SubjectTokenTarget } from '../subjects/subject.ts';

const MAX_SUBJECT_TOKENS = 1_000;

const BY_CREDENTIAL = {
  grantType: GRANT_CLIENT_CREDENTIALS,
  grant: 'client_credentials',
  operation: 'client-credentials',
} as const;
/** The IdP issues the own token for the token of a platform. */
const BY_EXCHANGE = {
  grantType: GRANT_TOKEN_EXCHANGE,
  grant: 'token exchange',
  operation: 'token-exchange',
} as const;

/** The subject tokens of one principal. Each is requested once and cached until shortly before it expires. */
export class SubjectTokens {
  /** Whether the IdP accepts each subject token only once. If it does, no subject token is cached. */
  readonly singleUse: SingleUse;
  readonly #runtime: Runtime;
  readonly #idp: IdpSettings | undefined;
  readonly #directory: Directory;
  readonly #store: SharedStore | undefined;
  readonly #cache: RefreshingCache<string>;
  /** A number for each source other than `ownToken`, in the order of first use. */
  readonly #numbers = new WeakMap<SubjectTokenSource, number>();
  #lastNumber = 0;

  constructor(runtime: Runtime, idp: IdpSettings | undefined, directory: Directory, store?: SharedStore) {
    this.singleUse = new SingleUse(runtime.clock);
    this.#runtime = runtime;
    this.#store = store?.keepsSubjectTokens ? store : undefined;
    this.#idp = idp;
    this.#directory = directory;
    this.#cache = new RefreshingCache(runtime.clock, MAX_SUBJECT_TOKENS, mayPass);
  }

  /** `target` is the party that the token is sent to. */
  async get(
    source: SubjectTokenSource,
    target: SubjectTokenTarget,
    signal: AbortSignal,
  ): Promise<{ value: string; reused: boolean }> {
    const obtain = async (usable?: string) => {
      const shared = await this.#fromStore(source);
      if (shared && shared.goodUntilMs > this.#runtime.clock.monotonicMs()) return shared;
      try {
        return await this.#obtainForAll(source, target, signal, usable !== undefined);
      } catch (error) {
        if (shared && mayPass(error)) return shared;
        throw error;
      }
    };
    // A getter may return the token of the current request of its application. Two acquisitions must not share the token of one of them.
    if (callsGetter(source)) return { value: (await obtain()).value, reused: false };
    const found = await this.#cache.get(this.#memoryKey(source, target), obtain, signal);
    // Another process may have sent the token in the file, and the file may have been replaced since it was read.
    return source.local === true ? { ...found, reused: true } : found;
  }

  async #obtainForAll(
    source: SubjectTokenSource,
    target: SubjectTokenTarget,
    signal: AbortSignal,
    hasUsable: boolean,
  ): Promise<CachedValue<string>> {
    const subject = await this.#obtain(source, target, signal, hasUsable);
    const { token, lookAgainInSeconds } = subject;
    // A file contains the same token until it is replaced, so the last one stays even if the IdP accepts each token only once.
    const isUsedOnce = this.singleUse.isKnown() && source.local !== true;
    const expiresInSeconds = isUsedOnce ? 0 : (subject.expiresInSeconds ?? 0);
    const leftMs = expiresInSeconds * 1000;
    const usefulMs = usefulSeconds({ expiresInSeconds, lookAgainInSeconds }) * 1000;
    const nowMs = this.#runtime.clock.monotonicMs();
    const wallMs = this.#runtime.clock.wallMs();
    const stored = { token, goodUntilMs: wallMs + usefulMs, expiresAtMs: wallMs + leftMs };
    await this.#storeFor(source)?.set(this.#storeKey(source), JSON.stringify(stored), leftMs);
    return { value: token, goodUntilMs: nowMs + usefulMs, usableUntilMs: nowMs + leftMs };
  }

  async drop(source: SubjectTokenSource, target: SubjectTokenTarget, token: string): Promise<void> {
    this.#cache.drop(this.#memoryKey(source, target), token);
    const text = await this.#storeFor(source)?.get(this.#storeKey(source));
    if (text !== undefined && stringField(parseJsonObject(text), 'token') === token) {
      await this.#storeFor(source)?.delete(this.#storeKey(source), text);
    }
  }

  async #fromStore(source: SubjectTokenSource): Promise<CachedValue<string> | undefined> {
    const text = await this.#storeFor(source)?.get(this.#storeKey(source));
    const stored = text === undefined ? undefined : parseJsonObject(text);
    const token = stringField(stored, 'token');
    const wallMs = this.#runtime.clock.wallMs();
    const goodMs = Number(stored?.['goodUntilMs']) - wallMs;
    const leftMs = Number(stored?.['expiresAtMs']) - wallMs;
    if (token === undefined || !Number.isFinite(goodMs) || !(leftMs > 0)) return undefined;
    const nowMs = this.#runtime.clock.monotonicMs();
    return { value: token, goodUntilMs: nowMs + goodMs, usableUntilMs: nowMs + leftMs };
  }

  /**
   * The key in the memory of this process. The options of an `ownToken` source identify its tokens. Two other sources with the same
   * kind, type and identity can return tokens of two workloads, or for two audiences, so each source object has its own key.
   */
  #memoryKey(source: SubjectTokenSource, { issuer }: SubjectTokenTarget): string {
    if (source.kind === 'ownToken') return keyOf(source);
    const key = `${keyOf(source)}#${this.numberOf(source)}`;
    return source.perTarget ? `${key} ${issuer}` : key;
  }

  /** The number of the source, which is the same for each call with this object. */
  numberOf(source: SubjectTokenSource): number {
    let number = this.#numbers.get(source);
    if (number === undefined) {
      this.#lastNumber += 1;
      number = this.#lastNumber;
      this.#numbers.set(source, number);
    }
    return number;
  }

  /** The token of a platform belongs to one machine or one job, so it is not shared. */
  #storeFor(source: SubjectTokenSource): SharedStore | undefined {
    return source.perTarget ? undefined : this.#store;
  }

  #storeKey(source: SubjectTokenSource): string {
    const parts = [this.#idp?.issuer, this.#idp?.credential.clientId, keyOf(source)];
    return `${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}.subject`;
  }

  /**
   * Gets a token from the source. A token request emits its own event; for a getter of the application the event is
   * emitted here.
   */
  async #obtain(
    source: SubjectTokenSource,
    target: SubjectTokenTarget,
    signal: AbortSignal,
    hasUsable: boolean,
  ): Promise<SubjectToken> {
    let sendsRequest = false;
    const context: SubjectContext = {
      signal,
      target,
      nowMs: () => this.#runtime.clock.wallMs(),
      clientCredentials: (request) => {
        sendsRequest = true;
        return this.#clientCredentials(request, signal);
      },
    };
    const startedMs = this.#runtime.clock.monotonicMs();
    const report = (failure?: unknown) => {
      if (sendsRequest) return;
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
      const isPatient = source.local === true && !hasUsable;
      const token = await (isPatient ? untilReadable(() => source.get(context), signal) : source.get(context));
      report();
      return token;
    } catch (error) {
      report(error);
      throw error;
    }
  }

  async #clientCredentials(
    request: Parameters<SubjectContext['clientCredentials']>[0],
    signal: AbortSignal,
  ): Promise<SubjectToken> {
    const isOtherIssuer = request.issuer !== undefined && request.issuer !== this.#idp?.issuer;
    const target = isOtherIssuer && request.issuer !== undefined ? { issuer: request.issuer } : this.#idp;
    // The credential at the IdP is sent only to the IdP.
    const credential = request.credential ?? (isOtherIssuer ? undefined : this.#idp?.credential);
    if (!target || !credential) throw withoutIdp();
    const option = isOtherIssuer ? 'idp.subject (ownToken({ issuer }))' : 'idp.issuer';
    const endpoint = await this.#directory.idp(target, option, signal);
    const answer = await requestToken(this.#runtime, {
      ...(request.exchanged ? BY_EXCHANGE : BY_CREDENTIAL),
      leg: 'authenticate',
      contact: 'idp-admin',
      option: request.credential ? 'idp.subject (ownToken({ credential }))' : 'idp.credential',
      endpoint,
      credential,
      parameters: {
        ...request.parameters,
        subject_token: request.exchanged?.token,
        subject_token_type: request.exchanged?.type,
      },
      signal,
      // Checked as part of the request, so that a response without the field pauses the requests as a refusal does.
      onSuccess: (body) => {
        const hasField = request.field === 'access_token' || Boolean(stringField(body, request.field));
        if (!hasField && body['error'] === undefined) throw withoutField(endpoint.issuer, request.field);
      },
    });
    const token = request.field === 'access_token' ? answer.accessToken : stringField(answer.body, request.field);
    if (token === undefined || token === '') throw withoutField(endpoint.issuer, request.field);
    const isAccessToken = request.field === 'access_token';
    return { token, expiresInSeconds: isAccessToken ? answer.expiresInSeconds : jwtLifetimeSeconds(token) };
  }
}

function withoutField(issuer: string, field: string): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'authenticate',
    message: `The IdP ${issuer} answered client_credentials without the field "${field}".`,
    remedy: 'Check ownToken({ field, scope }): an id_token usually comes only with the scope "openid".',
    contact: 'idp-admin',
    issuer,
  });
}

function withoutIdp(): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: 'ownToken() requests its token at the IdP, but idp is missing.',
    remedy: 'Set idp, or use ownToken({ issuer, credential }) or another subject token source.',
    contact: 'you',
  });
}

/**
 * The lifetime of a subject token other than the access token, by its claims. Undefined if it is not a JWT with `iat`
 * and `exp`.
 */
function jwtLifetimeSeconds(token: string): number | undefined {
  try {
    const { iat, exp } = decodeJwt(token);
    return iat === undefined || exp === undefined ? undefined : exp - iat;
  } catch {
    return undefined;
  }
}

/** The kind, type and identity of the source. */
export function keyOf(source: SubjectTokenSource): string {
  return `${source.kind} ${source.type} ${source.identity}`;
}
