import { Kept } from '../cache/kept.ts';
import { GRANT_CLIENT_CREDENTIALS } from '../constants.ts';
import type { Directory } from '../discovery/directory.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { IdpSettings } from '../flows/settings.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import type { Runtime } from '../runtime.ts';
import { stringField } from '../text/json.ts';
import type { SubjectContext, SubjectToken, SubjectTokenSource } from './subject.ts';

const SPARE_MS = 30_000;

/** Subject tokens of one principal, each asked for once and kept while it is good. */
export class SubjectTokens {
  readonly #runtime: Runtime;
  readonly #idp: IdpSettings | undefined;
  readonly #directory: Directory;
  readonly #kept: Kept<string>;

  constructor(runtime: Runtime, idp: IdpSettings | undefined, directory: Directory) {
    this.#runtime = runtime;
    this.#idp = idp;
    this.#directory = directory;
    this.#kept = new Kept(runtime.clock);
  }

  async get(source: SubjectTokenSource, signal: AbortSignal): Promise<{ value: string; reused: boolean }> {
    return this.#kept.get(keyOf(source), async () => {
      const { token, expiresAtMs } = await source.get(this.#context(signal));
      const leftMs = expiresAtMs === undefined ? 0 : expiresAtMs - this.#runtime.clock.wallMs();
      const usefulMs = leftMs - Math.min(SPARE_MS, leftMs / 10);
      return { value: token, goodUntilMs: this.#runtime.clock.monotonicMs() + usefulMs };
    });
  }

  drop(source: SubjectTokenSource, token: string): void {
    this.#kept.drop(keyOf(source), token);
  }

  #context(signal: AbortSignal): SubjectContext {
    return { signal, clientCredentials: (request) => this.#clientCredentials(request, signal) };
  }

  async #clientCredentials(
    request: Parameters<SubjectContext['clientCredentials']>[0],
    signal: AbortSignal,
  ): Promise<SubjectToken> {
    const elsewhere = request.issuer !== undefined && request.issuer !== this.#idp?.issuer;
    const target = elsewhere && request.issuer !== undefined ? { issuer: request.issuer } : this.#idp;
    const credential = request.credential ?? this.#idp?.credential;
    if (!target || !credential) throw withoutIdp();
    const option = elsewhere ? 'idp.subject (ownToken({ issuer }))' : 'idp.issuer';
    const endpoint = await this.#directory.idp(target, option, signal);
    const sentAtMs = this.#runtime.clock.wallMs();
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
    return { token, expiresAtMs: sentAtMs + (answer.expiresInSeconds ?? 0) * 1000 };
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

function keyOf(source: SubjectTokenSource): string {
  return `${source.kind} ${source.type} ${source.identity}`;
}
