import { CLIENT_ASSERTION_TYPE_JWT_BEARER } from '@credence/protocol';
import { decodeJwt } from 'jose';
import { CredenceError } from '../errors/credence-error.ts';
import { nonEmpty } from './checks.ts';
import type { ClientAuthenticationRequest, ClientCredential } from './credential.ts';
import { fingerprintOf } from './fingerprint.ts';
import { isWorkloadTokenSource, type WorkloadTokenSource } from '../workload/workload-token-source.ts';
import { workloadAudience, type WorkloadAudience } from '../workload/audience.ts';
import { WorkloadTokenCache } from '../workload/workload-token-cache.ts';
import { readSecret, rotatingFile } from './rotating.ts';

const OPTION = 'clientAssertion({ assertion })';

/** Options of `clientAssertion`. */
export interface ClientAssertionOptions {
  /** The client id at the issuer that this credential belongs to. */
  clientId: string;
  /**
   * A callback that returns the JWT, a file that contains the JWT, or a source of `@credence/platforms`. The callback is called, or
   * the file is read, before each request. The token of a platform is a client assertion only at an issuer that accepts it as one:
   * RFC 7523 section 3 requires `iss` and `sub` to be the client id, and a platform's token has other values.
   */
  assertion:
    | ((request: { issuer: string; tokenEndpoint: string }) => string | Promise<string>)
    | { file: string }
    | WorkloadTokenSource;
  /**
   * The audience that is requested from a WorkloadTokenSource. `issuer` (default): the issuer that the credential belongs to
   * (RFC 7523bis). `token-endpoint`: the URL of its token endpoint. Any other text is the audience itself.
   */
  audience?: WorkloadAudience;
}

/**
 * Client authentication by a JWT that the platform, a sidecar or a vault signs (RFC 7523 section 2.2). The callback is called, or
 * the file read, before each request, so a replaced file is used without a restart. The first access token needs two requests to
 * the IdP. If the IdP accepts each `jti` only once, use a callback that returns a new JWT each time, not a file. If the
 * file cannot be read or is empty for a while, the last JWT is used until it expires, with a warning.
 */
export function clientAssertion(options: ClientAssertionOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'clientAssertion({ clientId })');
  const { assertion, audience } = options;
  const jwt = isWorkloadTokenSource(assertion) ? platformJwt(assertion, audience) : jwtSource(assertion);
  return {
    method: 'private_key_jwt',
    clientId,
    file: 'file' in assertion ? assertion.file : undefined,
    fingerprint: jwt.fingerprint,
    async authenticate(request) {
      const { body } = request;
      body.set('client_id', clientId);
      body.set('client_assertion_type', CLIENT_ASSERTION_TYPE_JWT_BEARER);
      body.set('client_assertion', await jwt.now(request));
    },
  };
}

interface JwtSource {
  readonly now: (request: ClientAuthenticationRequest) => Promise<string>;
  readonly fingerprint: () => Promise<string | undefined>;
}

/** The tokens of a platform, cached as those of `fromWorkloadToken`. */
function platformJwt(source: WorkloadTokenSource, audience?: WorkloadAudience): JwtSource {
  const tokens = new WorkloadTokenCache(source);
  return {
    now: async ({ issuer, tokenEndpoint, signal }) =>
      tokens.get(await workloadAudience(audience, { issuer, tokenEndpoint: async () => tokenEndpoint }), signal),
    fingerprint: async () => undefined,
  };
}

function jwtSource(assertion: Exclude<ClientAssertionOptions['assertion'], WorkloadTokenSource>): JwtSource {
  if (typeof assertion === 'function') {
    return {
      now: ({ issuer, tokenEndpoint }) => readSecret(() => assertion({ issuer, tokenEndpoint }), OPTION),
      fingerprint: async () => undefined,
    };
  }
  nonEmpty(assertion?.file, OPTION);
  // The file is read at the first request, not now: the party that writes it may start later than the bot.
  const file = rotatingFile(assertion, OPTION, completeJwt);
  return {
    now: ({ warn, nowMs }) => file.current(warn, (jwt) => !isExpired(jwt, nowMs)),
    fingerprint: async () => fingerprintOf(await file.text()),
  };
}

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/u;

/** Throws for a text that is no JWT if the last one was: the file is probably being written. */
function completeJwt(text: string, last: string | undefined): string {
  if (COMPACT_JWS.test(text) || last === undefined || !COMPACT_JWS.test(last)) return text;
  throw new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `${OPTION} is not a complete JWT.`,
    remedy: 'Check the party that writes the file: it should write another file and rename it.',
    contact: 'you',
  });
}

function isExpired(jwt: string, nowMs: number): boolean {
  try {
    const { exp } = decodeJwt(jwt);
    return exp !== undefined && exp * 1000 <= nowMs;
  } catch {
    return false;
  }
}
