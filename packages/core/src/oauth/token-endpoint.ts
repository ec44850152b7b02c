import { type JsonObject, sortedEntries, stringField } from '@credence/protocol';
import * as oauth from 'oauth4webapi';
import { quotedPath } from '../credentials/checks.ts';
import type { ClientCredential } from '../credentials/credential.ts';
import type { TokenEndpoint } from '../discovery/token-endpoint.ts';
import { hasLearnedClock, useClockOf } from '../dpop/dpop-keys.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Refusal } from '../errors/oauth-error-response.ts';
import { isLastingOAuthError, isReasonPhrase } from '../errors/oauth-error-codes.ts';
import { refusal } from '../errors/refusal.ts';
import { parseChallenges } from '../net/challenge.ts';
import {
  type About,
  abortReason,
  type Answer,
  knownClockSkewSeconds,
  peerTimeMs,
  report,
  send,
  withoutQuery,
} from '../net/gate.ts';
import { isHtml, kindOfBody, peerWords } from '../net/response-body.ts';
import { receivedSecrets } from '../net/sent-secrets.ts';
import { retrying } from '../net/retrying.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { authenticateClient } from './authenticate-client.ts';
import { lifetimeSeconds } from './lifetime.ts';
import { statedScopes } from './stated-scopes.ts';

/** The statuses of a URL that is not the token endpoint: nothing is there, or it accepts no form by POST. */
const NO_ENDPOINT: ReadonlySet<number> = new Set([404, 405, 410, 415]);

export interface TokenRequest {
  readonly grantType: string;
  readonly grant: Refusal['grant'];
  readonly leg: Refusal['leg'];
  readonly operation: About['operation'];
  readonly contact: About['contact'];
  /** The path of the option with the credential, such as `idp.credential`, for remedies. */
  readonly option: string;
  readonly endpoint: TokenEndpoint;
  readonly credential: ClientCredential;
  readonly parameters: Readonly<Record<string, string | undefined>>;
  readonly server?: string | undefined;
  /** Whether the request is part of a flow that uses the IdP. Default true. */
  readonly usesIdp?: boolean | undefined;
  /** The requested scopes, for the message of a refusal. */
  readonly scopes?: readonly string[] | undefined;
  /** The scopes that a token may have. One of them may contain a comma. Default: the requested scopes. */
  readonly knownScopes?: readonly string[] | undefined;
  readonly dpop?: oauth.DPoPHandle | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `false` if a failed request must not be sent again. Default true. */
  readonly retry?: boolean | undefined;
  /** Called with the body of a success response, and awaited, before the response is checked. */
  readonly onSuccess?: ((body: JsonObject) => void | Promise<void>) | undefined;
  /** Called before each attempt with its number, from 1. A single-use assertion may be used up although no response arrived. */
  readonly onAttempt?: ((attempt: number) => void) | undefined;
}

/** The values of a successful response of a token endpoint, checked and normalised. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** In lower case: `bearer`, `dpop` or `n_a`. */
  readonly tokenType: string;
  /** In seconds. Undefined if `expires_in` is missing or invalid. */
  readonly expiresInSeconds: number | undefined;
  /** The granted scopes as the response states them. A peer can put any text into one, also a secret of the request. */
  readonly scopes: readonly string[] | undefined;
  /** The time in the peer's Date header, in milliseconds since the epoch. */
  readonly peerTimeMs: number | undefined;
  readonly body: JsonObject;
  /** The secrets of the request and the token of the response. These secrets are removed from every text of the peer. */
  readonly secrets: readonly string[];
}

/**
 * Sends one token request, and sends it again after a retryable error. After the issuer has refused the client, the refusal is repeated
 * for a while without a request. oauth4webapi builds the request and validates the response.
 * `send` limits its size and time. An OAuth error becomes a CredenceError with the leg of the request.
 */
export async function requestToken(runtime: Runtime, request: TokenRequest): Promise<TokenAnswer> {
  const attempt = (attemptNumber: number) => attemptWithProof(runtime, request, attemptNumber);
  try {
    const { grantType, credential, server, signal } = request;
    const sharedRequest =
      request.leg === 'authenticate'
        ? JSON.stringify(sortedEntries(definedOnly({ ...request.parameters, subject_token: undefined })))
        : undefined;
    const client = { issuer: request.endpoint.issuer, grantType, credential, server, sharedRequest };
    return await runtime.clients.run(client, signal, async () =>
      request.retry === false ? attempt(1) : retrying(runtime, signal, attempt),
    );
  } catch (error) {
    // The caller aborted between two attempts or during `authenticate`, so `send` could not add the leg to the error.
    if (!request.signal?.aborted || error !== request.signal.reason) throw error;
    throw abortReason(error, { ...request, issuer: request.endpoint.issuer });
  }
}

/**
 * Sends the request again after `use_dpop_nonce` (RFC 9449 section 8), and after a refusal of the DPoP proof whose response shows that the
 * proof had a wrong time. The DPoP handle has stored the nonce of the response.
 */
async function attemptWithProof(runtime: Runtime, request: TokenRequest, attemptNumber: number): Promise<TokenAnswer> {
  const { dpop, endpoint } = request;
  let nonceUsed = false;
  let clockUsed = false;
  for (;;) {
    try {
      return await attemptOnce(runtime, request, attemptNumber);
    } catch (error) {
      if (!dpop || !isCredenceError(error)) throw error;
      if (error.error === 'use_dpop_nonce' && !nonceUsed) nonceUsed = true;
      else if (isProofRefused(error) && !clockUsed && hasLearnedClock(endpoint.issuer, dpop, runtime)) clockUsed = true;
      else throw error;
    }
  }
}

/** Some authorization servers have no code of their own for a refused proof (RFC 9449 section 5). */
function isProofRefused({ error, errorDescription = '' }: CredenceError): boolean {
  return error === 'invalid_dpop_proof' || (error !== undefined && /\bdpop\b|\bproof\b/iu.test(errorDescription));
}

async function attemptOnce(runtime: Runtime, request: TokenRequest, attemptNumber: number): Promise<TokenAnswer> {
  const { endpoint, credential } = request;
  request.onAttempt?.(attemptNumber);
  const about: About = {
    leg: request.leg,
    operation: request.operation,
    contact: request.contact,
    server: request.server,
    issuer: endpoint.issuer,
    attempt: attemptNumber,
    option: endpoint.option,
    configuredUrl: endpoint.configuredUrl,
    endpointPin: endpoint.pin,
  };
  const as: oauth.AuthorizationServer = { issuer: endpoint.issuer, token_endpoint: endpoint.url };
  // oauth4webapi requires a client id and does not send it: `credential.authenticate` does that.
  const client: oauth.Client = { client_id: credential.clientId || 'none' };
  let answer: Answer | undefined;
  if (request.dpop) useClockOf(endpoint.issuer, request.dpop, runtime);
  const response = await oauth.genericTokenEndpointRequest(
    as,
    client,
    async (_as, _client, body, headers) => {
      const { issuer, url: tokenEndpoint } = endpoint;
      await authenticateClient(runtime, credential, { issuer, tokenEndpoint, body, headers }, request);
    },
    request.grantType,
    definedOnly(request.parameters),
    {
      ...(request.dpop && { DPoP: request.dpop }),
      // The URL policy has checked the URL. Without this option the library refuses http, also on loopback.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: async (url, init) => {
        const { signal } = request;
        const sent = await send(runtime, url, { ...asInit(init), ...(signal && { signal }) }, about);
        answer = { ...sent, secrets: [...sent.secrets, ...receivedSecrets(sent.json ?? {})] };
        return normalisedResponse(answer);
      },
    },
  );
  if (!answer) throw new Error('the request was never sent');

  try {
    if (answer.status === 200 && answer.json) await request.onSuccess?.(answer.json);
    const token = await tokenFrom(runtime, as, client, response, answer, request);
    report(runtime, about, { ...answer });
    return token;
  } catch (error) {
    const refused = isCredenceError(error) ? error : malformed(request, answer, error);
    report(runtime, about, { ...answer, failure: refused });
    throw refused;
  }
}

/** Checks the response and returns its values. Throws a CredenceError, or an error of oauth4webapi for a malformed response. */
async function tokenFrom(
  runtime: Runtime,
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  response: Response,
  answer: Answer,
  request: TokenRequest,
): Promise<TokenAnswer> {
  const errorUnder200 = answer.json?.['access_token'] === undefined && stringField(answer.json, 'error') !== undefined;
  if (answer.status !== 200 || errorUnder200) throw await refused(runtime, request, answer);
  const body = await oauth.processGenericTokenEndpointResponse(as, client, response, {
    // `n_a` is the token type of an ID-JAG, because it is not an access token. oauth4webapi accepts only types that are listed.
    recognizedTokenTypes: { n_a() {} },
  });
  // RFC 6749 appendix A.12 also allows a space, but an Authorization header cannot contain a token with a space.
  if (!/^[\x21-\x7e]+$/u.test(body.access_token)) throw malformed(request, answer, undefined);
  const scope = answer.json?.['scope'];
  // RFC 6749 section 5.1: a text. Some peers send a list of texts.
  if (scope !== undefined && scope !== null && statedScopes(scope) === undefined) {
    throw malformed(request, answer, undefined);
  }
  const { secrets } = answer;
  return {
    accessToken: body.access_token,
    tokenType: body.token_type,
    expiresInSeconds: lifetimeSeconds(answer.json?.['expires_in']),
    scopes: statedScopes(scope, request.knownScopes ?? request.scopes),
    peerTimeMs: peerTimeMs(answer.headers),
    body: { ...answer.json },
    secrets,
  };
}

async function refused(runtime: Runtime, request: TokenRequest, answer: Answer): Promise<CredenceError> {
  const [challenge] = parseChallenges(answer.headers);
  const error = errorOf(answer) ?? challenge?.error;
  const errorDescription = stringField(answer.json, 'error_description') ?? challenge?.errorDescription;
  // RFC 6749 section 5.2: a 401 of a token endpoint means that client authentication failed, also without an error code.
  const named = error ?? (answer.status === 401 ? '' : undefined);
  if (named === undefined) return malformed(request, answer, undefined);
  return refusal({
    leg: request.leg,
    grant: request.grant,
    option: credentialOption(request),
    error: named,
    errorDescription,
    status: answer.status,
    issuer: request.endpoint.issuer,
    clientId: request.credential.clientId,
    server: request.server,
    scopes: request.scopes,
    secrets: answer.secrets,
    clockSkewSeconds: knownClockSkewSeconds(runtime, request.endpoint.issuer, answer),
    authentication: authenticationOf(request.credential),
    sent: Object.keys(definedOnly(request.parameters)),
    usesIdp: request.usesIdp,
    isEndpointPinned: request.endpoint.option !== undefined,
    proofSent: request.dpop !== undefined,
  });
}

/** Where the credential comes from: the environment variable or the option, and the path of the file. */
function credentialOption({ credential: { variable, file }, option }: TokenRequest): string {
  const name = variable ?? option;
  return file === undefined ? name : `${name} (the file ${quotedPath(file)})`;
}

/**
 * The OAuth error in the body. Undefined for the body of a framework, and for a code of its own under a status that says that this URL is not
 * the token endpoint.
 */
function errorOf({ json, status }: Answer): string | undefined {
  const error = stringField(json, 'error');
  if (error === undefined || isReasonPhrase(error, status)) return undefined;
  return NO_ENDPOINT.has(status) && !isLastingOAuthError(error) ? undefined : error;
}

function authenticationOf({ method }: ClientCredential): Refusal['authentication'] {
  if (method === 'private_key_jwt') return 'signed';
  if (method.startsWith('client_secret_')) return 'secret';
  return method === 'none' ? 'none' : 'other';
}

function malformed(request: TokenRequest, answer: Answer, cause: unknown): CredenceError {
  const what = answer.json === undefined ? kindOfBody(answer) : 'JSON that is not a token response';
  const { option } = request.endpoint;
  // A page with a success status is not the token endpoint's: something between this machine and it has answered.
  const isPortal = answer.json === undefined && isHtml(answer) && answer.status < 300;
  return new CredenceError({
    code: 'invalid_response',
    leg: request.leg,
    message: `${withoutQuery(request.endpoint.url)} answered ${answer.status} with ${what}${isPortal ? ', as a captive portal, a login page or a proxy does' : ''}.`,
    remedy: `Check that ${option ?? 'this URL'} is the token endpoint and that no captive portal, proxy or login page answers in its place.`,
    contact: isPortal || (option !== undefined && NO_ENDPOINT.has(answer.status)) ? 'you' : request.contact,
    peerText: peerWords(answer),
    server: request.server,
    issuer: request.endpoint.issuer,
    status: answer.status,
    cause,
  });
}

/**
 * The answer as a Response for oauth4webapi, without the members that make it refuse the whole response: an invalid `expires_in`,
 * members that are null, a scope that is a list, a refresh token that is not a string, and an ID token that is not signed with RS256.
 */
function normalisedResponse(answer: Answer): Response {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  const nonce = answer.headers.get('dpop-nonce');
  if (nonce !== null) headers['dpop-nonce'] = nonce;
  if (answer.json === undefined) return new Response('', { status: answer.status, headers });
  const {
    expires_in: expiresIn,
    id_token: _idToken,
    refresh_token: _refreshToken,
    scope: _scope,
    ...rest
  } = answer.json;
  const members = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  const seconds = lifetimeSeconds(expiresIn);
  return new Response(JSON.stringify({ ...members, ...(seconds !== undefined && { expires_in: seconds }) }), {
    status: answer.status,
    headers,
  });
}

function definedOnly(parameters: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The init of oauth4webapi without the members that are undefined. */
function asInit(init: oauth.CustomFetchOptions<'POST', URLSearchParams>): RequestInit {
  return { method: init.method, headers: init.headers, body: init.body };
}
