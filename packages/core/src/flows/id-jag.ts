import {
  cleanText,
  ID_JAG_TYP,
  isJsonObject,
  type JsonObject,
  readConfirmation,
  stringField,
  stringList,
} from '@credence/protocol';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { CredenceError } from '../errors/credence-error.ts';
import { namedUrl } from '../net/named-url.ts';
import { statedScopes } from '../oauth/stated-scopes.ts';
import { namesResource } from './answer-checks.ts';

/** The values that the claims of an ID-JAG must have. */
export interface IdJagExpectation {
  readonly idpIssuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly resource: string;
  readonly server: string;
  /** The time of the IdP's clock, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** The thumbprint of the DPoP key of the request (RFC 9449 section 6.1). Undefined if the request had no proof. */
  readonly thumbprint?: string | undefined;
  /** The scopes that the ID-JAG may have. One of them may contain a comma. */
  readonly knownScopes?: readonly string[] | undefined;
  /** The secrets of the request and the ID-JAG itself. These secrets are removed from error messages. */
  readonly secrets?: readonly string[] | undefined;
}

export interface CheckedIdJag {
  readonly subject: string;
  /** The claim `act`: the party that acts for the subject (RFC 8693 section 4.1). */
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  /** The remaining lifetime by the IdP's clock, in milliseconds, at most the time from `iat` to `exp`. */
  readonly lifetimeMs: number;
  /** The scopes as the claim states them. A peer can put any text into one, also a secret of the request. */
  readonly scopes: readonly string[] | undefined;
  /** Whether the ID-JAG has a `resource` claim. */
  readonly namesResource: boolean;
}

const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Decodes an ID-JAG and checks its header and claims. The function does not verify the signature: the authorization server
 * verifies it with the keys of the IdP. Throws `invalid_id_jag` with the leg `exchange`.
 */
export function checkIdJag(jwt: string, expected: IdJagExpectation): CheckedIdJag {
  const { header, claims } = decode(jwt, expected);
  const typ = stringField(header, 'typ')
    ?.toLowerCase()
    .replace(/^application\//u, '');
  if (typ !== ID_JAG_TYP)
    throw invalidIdJag(expected, `its header "typ" is ${shownTyp(header['typ'])}, not "${ID_JAG_TYP}"`);
  const alg = stringField(header, 'alg') ?? '';
  if (!/^(?:(?:RS|PS|ES)\d{3}|EdDSA|Ed25519|ML-DSA-\d\d)$/u.test(alg)) {
    throw invalidIdJag(
      expected,
      `its header "alg" is ${shownAlg(header['alg'])}, which the server cannot verify with a public key`,
    );
  }
  if (claims['iss'] !== expected.idpIssuer) throw invalidIdJag(expected, `"iss" is ${quoted(expected, claims['iss'])}`);
  const audience = stringList(claims['aud']);
  if (audience?.length !== 1 || audience[0] !== expected.audience) {
    throw invalidIdJag(
      expected,
      `"aud" is ${quoted(expected, claims['aud'])}, not the authorization server "${expected.audience}"`,
    );
  }
  if (claims['client_id'] !== expected.clientId) {
    const named = stringField(claims, 'client_id');
    throw named === undefined ? invalidIdJag(expected, '"client_id" is missing') : wrongClient(expected, named);
  }
  for (const claim of ['sub', 'jti']) {
    if (!stringField(claims, claim)) throw invalidIdJag(expected, `"${claim}" is missing`);
  }
  const expiresAtMs = Number(claims['exp']) * 1000;
  if (typeof claims['exp'] !== 'number' || !Number.isFinite(expiresAtMs))
    throw invalidIdJag(expected, '"exp" is missing');
  if (expiresAtMs + CLOCK_TOLERANCE_MS < expected.nowMs) throw invalidIdJag(expected, 'it has expired already');
  if (typeof claims['iat'] !== 'number') throw invalidIdJag(expected, '"iat" is missing');
  // The IdP may return an ID-JAG that it issued before, so the lifetime is counted from the time of the response.
  const lifetimeMs = Math.max(0, expiresAtMs - Math.max(claims['iat'] * 1000, expected.nowMs));
  const resources = claims['resource'] === undefined ? undefined : (stringList(claims['resource']) ?? []);
  // Exactly the requested resource (section 4.3.4): an ID-JAG for further resources would be wider than the request.
  if (resources && !(resources.length === 1 && resources.every((value) => namesResource(value, expected.resource)))) {
    throw invalidIdJag(expected, `"resource" is ${quoted(expected, claims['resource'])}, not "${expected.resource}"`);
  }
  // The thumbprint of the key (RFC 9449 section 6.1), or the key itself (RFC 7800 section 3.2), which some IdPs send.
  const bound = readConfirmation(claims['cnf']).thumbprint;
  if (expected.thumbprint !== undefined && bound !== expected.thumbprint) {
    throw invalidIdJag(expected, 'it is not bound to the DPoP key of the request', {
      remedy: `Ask whether the IdP binds ID-JAGs to a DPoP key (RFC 9449); if it does not, remove servers.${expected.server}.dpop.`,
    });
  }
  const scope = claims['scope'] ?? undefined;
  const scopes = statedScopes(scope, expected.knownScopes);
  if (scope !== undefined && scopes === undefined)
    throw invalidIdJag(expected, '"scope" is neither a text nor a list of texts');
  const actor = claims['act'] ?? undefined;
  if (actor !== undefined && !isJsonObject(actor)) throw invalidIdJag(expected, '"act" is not an object');
  return {
    subject: stringField(claims, 'sub') ?? '',
    actor,
    lifetimeMs,
    scopes,
    namesResource: resources !== undefined,
  };
}

function decode(jwt: string, expected: IdJagExpectation): { header: JsonObject; claims: JsonObject } {
  try {
    return { header: { ...decodeProtectedHeader(jwt) }, claims: decodeJwt(jwt) };
  } catch (cause) {
    throw invalidIdJag(expected, 'it is not a signed JWT', { cause });
  }
}

function quoted({ secrets = [] }: IdJagExpectation, value: unknown): string {
  return namedUrl(value, { secrets });
}

/** Names the type of an ordinary JWT. Any other is a word that the IdP chose. */
function shownTyp(typ: unknown): string {
  if (typ === undefined || typ === '') return 'missing';
  return typeof typ === 'string' && /^(?:application\/)?(?:at\+)?jwt$/iu.test(typ) ? `"${typ}"` : 'another one';
}

/** Names an algorithm that needs no key, or a shared one. Any other is a word that the IdP chose. */
function shownAlg(alg: unknown): string {
  if (alg === undefined || alg === '') return 'missing';
  return typeof alg === 'string' && /^(?:none|HS\d{3})$/iu.test(alg) ? `"${alg}"` : 'an unknown one';
}

/**
 * The error for an ID-JAG with another `client_id`. The cause is the configuration or the IdP. The contact is `you`,
 * because the operator of the bot can check the configuration.
 */
function wrongClient(expected: IdJagExpectation, named: string): CredenceError {
  const { server, clientId, idpIssuer, secrets = [] } = expected;
  return new CredenceError({
    code: 'invalid_id_jag',
    leg: 'exchange',
    message: `The ID-JAG that ${idpIssuer} issued for server "${server}" was not used: "client_id" is another one than "${clientId}".`,
    remedy: `Set servers.${server}.credential to the client that is registered at ${expected.audience}; if that is "${clientId}", ask the IdP's administrator to register it for this principal.`,
    contact: 'you',
    server,
    issuer: idpIssuer,
    peerText: cleanText(`client_id="${named}"`, { secrets }),
  });
}

function invalidIdJag(
  expected: IdJagExpectation,
  why: string,
  { cause, remedy }: { cause?: unknown; remedy?: string } = {},
): CredenceError {
  return new CredenceError({
    code: 'invalid_id_jag',
    leg: 'exchange',
    message: `The ID-JAG that ${expected.idpIssuer} issued for server "${expected.server}" was not used: ${why}.`,
    remedy:
      remedy ??
      `Check the issuer, client id and resource of server "${expected.server}" in the configuration and in the registration at the IdP.`,
    contact: 'idp-admin',
    server: expected.server,
    issuer: expected.idpIssuer,
    cause,
  });
}
