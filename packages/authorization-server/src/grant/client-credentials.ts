import { CLIENT_ASSERTION_TYPE_JWT_BEARER, JoseHeaderError, protectedHeader } from '@credence/protocol';
import { decodeJwt } from 'jose';
import { parameter, type Parameters } from './parameters.ts';
import { GrantRefusal } from './refusal.ts';

/**
 * The client id and credential in a token request (RFC 6749 section 2.3, RFC 7523 section 2.2). The credentials are parsed and not
 * verified.
 */
export type PresentedClient =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      readonly clientId: string;
      readonly clientSecret: string;
    }
  | {
      readonly method: 'client_assertion';
      /** `sub` of the client assertion. */
      readonly clientId: string;
      readonly clientAssertion: string;
    }
  | {
      /** The certificate of the client's TLS connection (RFC 8705 section 2); see `clientCertificateHeader`. */
      readonly method: 'tls_client_auth';
      readonly clientId: string;
      /** The value of the header that the proxy set. */
      readonly clientCertificate: string;
    }
  | {
      /** A public client, which sends no credential. */
      readonly method: 'none';
      readonly clientId: string;
    };

/** The client id and credential of a request. Throws GrantRefusal if there is no client id, or more than one credential. */
export function presentedClient(
  headers: Headers,
  parameters: Parameters,
  clientCertificateHeader?: string,
): PresentedClient {
  const authorization = headers.get('authorization');
  const clientId = parameter(parameters, 'client_id');
  const clientSecret = parameter(parameters, 'client_secret');
  const clientAssertion = parameter(parameters, 'client_assertion');
  if ([authorization ?? undefined, clientSecret, clientAssertion].filter((way) => way !== undefined).length > 1) {
    throw new GrantRefusal('invalid_request', 'the client authenticates in more than one way');
  }
  if (authorization !== null) return basic(authorization, clientId);
  if (clientAssertion !== undefined) {
    if (parameter(parameters, 'client_assertion_type') !== CLIENT_ASSERTION_TYPE_JWT_BEARER) {
      throw new GrantRefusal('invalid_request', 'the client_assertion_type is not supported');
    }
    return { method: 'client_assertion', clientId: assertedClientId(clientAssertion, clientId), clientAssertion };
  }
  if (clientId === undefined) throw new GrantRefusal('invalid_client', 'the request does not identify the client');
  if (clientSecret !== undefined) return { method: 'client_secret_post', clientId, clientSecret };
  const clientCertificate = clientCertificateHeader === undefined ? null : headers.get(clientCertificateHeader);
  return clientCertificate === null || clientCertificate === ''
    ? { method: 'none', clientId }
    : { method: 'tls_client_auth', clientId, clientCertificate };
}

function basic(authorization: string, clientIdParameter: string | undefined): PresentedClient {
  const encoded = /^Basic +(?<credentials>[A-Za-z0-9+/]+=*)$/iu.exec(authorization)?.groups?.['credentials'];
  const credentials = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = credentials.indexOf(':');
  const clientId = formDecoded(credentials.slice(0, Math.max(colon, 0)));
  const clientSecret = formDecoded(credentials.slice(colon + 1));
  if (colon < 1 || clientId === undefined || clientSecret === undefined) {
    throw new GrantRefusal('invalid_client', 'the Authorization header cannot be read');
  }
  if (clientIdParameter !== undefined && clientIdParameter !== clientId) {
    throw new GrantRefusal('invalid_request', 'client_id differs from the client id in the Authorization header');
  }
  return { method: 'client_secret_basic', clientId, clientSecret };
}

/** RFC 6749 section 2.3.1 and appendix B. */
function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function assertedClientId(assertion: string, clientIdParameter: string | undefined): string {
  checkHeader(assertion);
  const subject = subjectOf(assertion);
  if (subject === undefined) throw new GrantRefusal('invalid_client', 'the client assertion has no sub');
  // RFC 7521 section 4.2: client_id and the client assertion must identify the same client.
  if (clientIdParameter !== undefined && clientIdParameter !== subject) {
    throw new GrantRefusal('invalid_client', 'client_id differs from the sub of the client assertion');
  }
  return subject;
}

/** `authenticateClient` passes the client assertion to a library, which may use members of the header as keys of a map. */
function checkHeader(assertion: string): void {
  try {
    protectedHeader(assertion);
  } catch (error) {
    if (!(error instanceof JoseHeaderError)) throw error;
    throw new GrantRefusal('invalid_client', 'the header of the client assertion is malformed');
  }
}

function subjectOf(assertion: string): string | undefined {
  try {
    const { sub }: { sub?: unknown } = decodeJwt(assertion);
    return typeof sub === 'string' ? sub : undefined;
  } catch {
    return undefined;
  }
}
