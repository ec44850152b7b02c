import {
  BodyTooLargeError,
  boundedRequest,
  cleanText,
  failureOf,
  type FetchUrl,
  parseJsonObject,
  stringField,
} from '@credence/protocol';
import { TokenVerificationUnavailableError } from './errors.ts';

/** The response to an introspection request (RFC 7662 section 2.2). */
export interface IntrospectionAnswer {
  readonly active: boolean;
  readonly token_type?: unknown;
  readonly cnf?: unknown;
  readonly [claim: string]: unknown;
}

export interface IntrospectionClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The endpoint cannot be reached, or it does not exist (404, 410). If it was discovered, it may have moved. */
export class IntrospectionEndpointError extends TokenVerificationUnavailableError {}

const REMEDIES = {
  credentials:
    'Set introspection.clientId and clientSecret to the credentials of this server at the authorization server.',
  endpoint:
    'introspection.endpoint, or introspection_endpoint of the metadata, must be an endpoint that implements RFC 7662.',
};

const LIMITS = { timeoutMs: 5000, maxBytes: 512 * 1024 };

/**
 * Sends an introspection request (RFC 7662 section 2.1) with client_secret_basic. Follows no redirect, and limits the time
 * and the size of the response. Throws TokenVerificationUnavailableError if there is no response, or one without `active`:
 * IntrospectionEndpointError if the endpoint cannot be reached or does not exist.
 */
export async function introspect(
  endpoint: string,
  client: IntrospectionClient,
  token: string,
  fetchFunction: FetchUrl,
): Promise<IntrospectionAnswer> {
  const request = {
    method: 'POST',
    headers: {
      accept: 'application/json',
      authorization: basicAuthorization(client),
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
  };
  const { status, text } = await translateFailure(boundedRequest(fetchFunction, endpoint, request, LIMITS));
  return readAnswer(status, text, [token, client.clientSecret]);
}

async function translateFailure<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof BodyTooLargeError) throw unavailable(failureOf(error), undefined);
    throw new IntrospectionEndpointError(`introspection: ${failureOf(error)}`);
  }
}

/** Reads the response. `secrets` are removed from the error that is thrown. */
function readAnswer(status: number, body: string, secrets: readonly string[]): IntrospectionAnswer {
  const json = parseJsonObject(body);
  if (status === 200) {
    if (json !== undefined && typeof json['active'] === 'boolean') return { ...json, active: json['active'] };
    throw unavailable('the response does not conform to RFC 7662', REMEDIES.endpoint);
  }
  const error = status >= 400 && status < 500 ? stringField(json, 'error') : undefined;
  // Some servers respond with this error to a token in a format that they never issue, such as a JWT.
  if (error === 'unsupported_token_type') return { active: false };
  const code = error === undefined ? undefined : cleanText(error, { max: 60, secrets });
  const reason = `answered ${[status, code].filter(Boolean).join(' ')}`;
  if (status === 404 || status === 410) {
    throw new IntrospectionEndpointError(`introspection: ${reason}`, remedyOf(status, code));
  }
  throw unavailable(reason, remedyOf(status, code));
}

function unavailable(reason: string, remedy: string | undefined): TokenVerificationUnavailableError {
  return new TokenVerificationUnavailableError(`introspection: ${reason}`, remedy);
}

/**
 * The remedy for a failed introspection request. Undefined for 429 and 5xx: the failure is temporary, and no change of this
 * server's configuration is needed.
 */
function remedyOf(status: number, code: string | undefined): string | undefined {
  if (code === 'invalid_client' || status === 401 || status === 403) return REMEDIES.credentials;
  return status === 429 || status >= 500 ? undefined : REMEDIES.endpoint;
}

/** RFC 6749 section 2.3.1: the client id and the secret are form-encoded, then joined by a colon. */
function basicAuthorization({ clientId, clientSecret }: IntrospectionClient): string {
  const credentials = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
