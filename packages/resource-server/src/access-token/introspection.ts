import { createHash } from 'node:crypto';
import { boundedText, cleanText, discoverUrl, failureOf, type FetchLike, isLoopback, within } from '@credence/protocol';
import * as oauth from 'oauth4webapi';
import { TokenVerificationUnavailableError } from './errors.ts';
import { type TokenRefusal, tokenRefusal } from './refusals.ts';
import { Turns } from './turns.ts';

/**
 * How tokens are asked about. A hundred questions are under way at once; further ones wait in order, for five seconds at
 * most, and then the answer is 503. Every unknown token costs a question, so strangers can keep the others waiting: put a
 * rate limit in front of a server that they can reach.
 */
export interface IntrospectionOptions {
  /** Default: `introspection_endpoint` of the issuer's metadata. */
  readonly endpoint?: string | undefined;
  /** This resource server as a client of the authorization server, by `client_secret_basic`. */
  readonly clientId: string;
  /** The secret of that client. */
  readonly clientSecret: string;
  /** How long an active answer is used again, and a revoked token therefore still works, in seconds. Default: 0. */
  readonly cacheSeconds?: number | undefined;
}

const TIMEOUT_MS = 5000;
const MAX_CACHED = 10_000;
const QUESTIONS = { atOnce: 100, waitMs: 5000 };

const REMEDIES = {
  credentials: 'introspection.clientId and clientSecret must be those of this server at the authorization server.',
  endpoint: 'introspection.endpoint, or introspection_endpoint of the metadata, must be where it answers RFC 7662.',
  metadata:
    "If it stays so: issuer must be what the authorization server's metadata says, or give introspection.endpoint.",
};

/**
 * Asks the authorization server about tokens (RFC 7662): what it says of an active one, or why it is refused. `now` is
 * in milliseconds. Throws TokenVerificationUnavailableError.
 */
export function introspector(
  issuer: string,
  options: IntrospectionOptions,
  fetchFunction: FetchLike,
): (token: string, now: number) => Promise<{ claims: Record<string, unknown> } | TokenRefusal> {
  const cacheMs = (options.cacheSeconds ?? 0) * 1000;
  const cache = new Map<string, { claims: oauth.IntrospectionResponse; until: number }>();
  const underWay = new Map<string, Promise<oauth.IntrospectionResponse>>();
  const client = { client_id: options.clientId };
  const authentication = oauth.ClientSecretBasic(options.clientSecret);
  const turns = new Turns(QUESTIONS);
  let { endpoint } = options;

  const ask = async (token: string): Promise<oauth.IntrospectionResponse> => {
    endpoint ??= await discovered(issuer, fetchFunction);
    const server = { issuer, introspection_endpoint: endpoint };
    let status: number | undefined;
    try {
      const asking = oauth.introspectionRequest(server, client, authentication, token, {
        [oauth.customFetch]: boundedFetch(fetchFunction),
        [oauth.allowInsecureRequests]: isLoopback(new URL(endpoint).hostname),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        additionalParameters: { token_type_hint: 'access_token' },
      });
      const response = await within(TIMEOUT_MS, asking);
      ({ status } = response);
      return await oauth.processIntrospectionResponse(server, client, response);
    } catch (error) {
      const code = error instanceof oauth.ResponseBodyError ? error.error : undefined;
      // RFC 7662 has no error for it, but some servers refuse a token of a form that they never issue, such as a JWT.
      if (code === 'unsupported_token_type') return { active: false };
      // The library's errors hold the answer's body: no more of it is kept than its status and error code.
      if (status === undefined) throw new TokenVerificationUnavailableError(`introspection: ${failureOf(error)}`);
      throw refusedToAnswer(status, code && cleanText(code, { max: 60, secrets: [token, options.clientSecret] }));
    }
  };

  const askInTurn = async (token: string) => {
    if (!(await turns.take())) {
      throw new TokenVerificationUnavailableError(`introspection: ${QUESTIONS.atOnce} requests are under way`);
    }
    try {
      return await ask(token);
    } finally {
      turns.giveBack();
    }
  };

  const keep = (key: string, answer: oauth.IntrospectionResponse, now: number) => {
    if (cacheMs > 0 && answer.active && isUsable(answer)) {
      const oldest = cache.keys().next();
      if (cache.size >= MAX_CACHED && oldest.done !== true) cache.delete(oldest.value);
      cache.set(key, { claims: answer, until: now + cacheMs });
    }
    return answer;
  };

  return async (token, now) => {
    const key = createHash('sha256').update(token).digest('base64url');
    const cached = cache.get(key);
    if (cached !== undefined && cached.until > now) return { claims: cached.claims };
    cache.delete(key);
    let question = underWay.get(key);
    if (question === undefined) {
      question = askInTurn(token)
        .then((answer) => keep(key, answer, now))
        .finally(() => underWay.delete(key));
      underWay.set(key, question);
    }
    const answer = await question;
    if (!answer.active) return tokenRefusal('inactive');
    if (!isUsable(answer)) return tokenRefusal('wrong_token_type', { detail: String(answer.token_type) });
    return { claims: answer };
  };
}

async function discovered(issuer: string, fetchFunction: FetchLike): Promise<string> {
  try {
    return await discoverUrl(issuer, 'introspection_endpoint', fetchFunction);
  } catch (error) {
    throw new TokenVerificationUnavailableError(`metadata: ${failureOf(error)}`, REMEDIES.metadata);
  }
}

/**
 * RFC 7662 section 2.2: `token_type` is optional; ORY Hydra 1 says `access_token` there. One that is bound to a key, and
 * not to which, fits no proof.
 */
function isUsable({ token_type: type, cnf }: oauth.IntrospectionResponse): boolean {
  if (type === undefined) return true;
  return /^(?:bearer|access_token)$/iu.test(type) || (/^dpop$/iu.test(type) && cnf !== undefined);
}

function refusedToAnswer(status: number, code: string | undefined): TokenVerificationUnavailableError {
  const said =
    status === 200 ? 'the answer is not one of RFC 7662' : `answered ${[status, code].filter(Boolean).join(' ')}`;
  return new TokenVerificationUnavailableError(`introspection: ${said}`, remedyOf(status, code));
}

/** None for what mends itself. */
function remedyOf(status: number, code: string | undefined): string | undefined {
  if (code === 'invalid_client' || status === 401 || status === 403) return REMEDIES.credentials;
  return status === 429 || status >= 500 ? undefined : REMEDIES.endpoint;
}

/** The library reads bodies of any length and may be given a redirect: bounded, and never followed. */
function boundedFetch(fetchFunction: FetchLike) {
  return async (
    url: string,
    init: { body?: unknown; headers: Record<string, string>; method: string; signal?: AbortSignal },
  ) => {
    const { body, headers, method, signal } = init;
    const response = await fetchFunction(url, {
      method,
      headers,
      redirect: 'manual',
      body: body as URLSearchParams,
      signal: signal ?? null,
    });
    const text = await boundedText(response.body, 512 * 1024);
    return new Response(response.status === 204 || response.status === 304 ? null : text, {
      status: response.status,
      headers: response.headers,
    });
  };
}
