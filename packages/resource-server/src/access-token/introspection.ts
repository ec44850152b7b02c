import { createHash } from 'node:crypto';
import { discoverUrl, failureOf, fetchNamedBy, type FetchLike, lruCache } from '@credence/protocol';
import { TokenVerificationUnavailableError } from './errors.ts';
import { introspect, type IntrospectionAnswer } from './introspection-request.ts';
import { limited } from './limited.ts';
import { type TokenRefusal, tokenRefusal } from './refusals.ts';

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

const MAX_CACHED = 10_000;
const QUESTIONS = { atOnce: 100, waitMs: 5000 };

const METADATA_REMEDY =
  "If it stays so: issuer must be what the authorization server's metadata says, or give introspection.endpoint.";

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
  const cache = lruCache<{ claims: IntrospectionAnswer; until: number }>(MAX_CACHED);
  const underWay = new Map<string, Promise<IntrospectionAnswer>>();
  const inTurn = limited(QUESTIONS);
  const fetchEndpoint = options.endpoint === undefined ? fetchNamedBy(new URL(issuer), fetchFunction) : fetchFunction;
  let { endpoint } = options;

  const ask = async (token: string): Promise<IntrospectionAnswer> => {
    endpoint ??= await discovered(issuer, fetchFunction);
    return introspect(endpoint, options, token, fetchEndpoint);
  };

  const tooManyUnderWay = () =>
    new TokenVerificationUnavailableError(`introspection: ${QUESTIONS.atOnce} requests are under way`);

  const keep = (key: string, answer: IntrospectionAnswer, now: number) => {
    if (cacheMs > 0 && answer.active && isUsable(answer)) {
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
      question = inTurn(async () => ask(token), tooManyUnderWay)
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
    throw new TokenVerificationUnavailableError(`metadata: ${failureOf(error)}`, METADATA_REMEDY);
  }
}

/**
 * RFC 7662 section 2.2: `token_type` is optional; ORY Hydra 1 says `access_token` there. One that is bound to a key, and
 * not to which, fits no proof.
 */
function isUsable({ token_type: type, cnf }: IntrospectionAnswer): boolean {
  if (type === undefined) return true;
  if (typeof type !== 'string') return false;
  return /^(?:bearer|access_token)$/iu.test(type) || (/^dpop$/iu.test(type) && cnf !== undefined);
}
