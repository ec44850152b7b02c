import {
  ID_JAG_TYP,
  identifier,
  isJsonObject,
  type JsonObject,
  parseScopes,
  stringField,
  stringList,
  withoutSecrets,
} from '@credence/protocol';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { CredenceError } from '../errors/credence-error.ts';

/** What the ID-JAG must say for it to be worth sending on. */
export interface IdJagExpectation {
  readonly idpIssuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly resource: string;
  readonly server: string;
  /** The time at the IdP, milliseconds since the epoch. */
  readonly nowMs: number;
  /** The thumbprint of the key it was to be bound to (RFC 9449 section 6.1). */
  readonly thumbprint?: string | undefined;
  /** What was sent to the IdP and the ID-JAG itself: never to be shown. */
  readonly secrets?: readonly string[] | undefined;
}

export interface CheckedIdJag {
  /** What is left of it, by the time at the IdP; never more than from `iat` to `exp`. */
  readonly lifetimeMs: number;
  readonly scopes: readonly string[] | undefined;
  /** False where the ID-JAG names no resource at all. */
  readonly namesResource: boolean;
}

const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Decodes an ID-JAG and checks that it is for us and for where it is going, without verifying its signature: that is for the
 * authorization server, and its metadata of keys is none of ours. Throws `invalid_id_jag`, leg `exchange`.
 */
export function checkIdJag(jwt: string, expected: IdJagExpectation): CheckedIdJag {
  const { header, claims } = decode(jwt, expected);
  const typ = stringField(header, 'typ')
    ?.toLowerCase()
    .replace(/^application\//u, '');
  if (typ !== ID_JAG_TYP)
    throw bad(expected, `its header "typ" is ${show(expected, header['typ'])}, not "${ID_JAG_TYP}"`);
  const alg = stringField(header, 'alg') ?? '';
  if (!/^(?:(?:RS|PS|ES)\d{3}|EdDSA|Ed25519|ML-DSA-\d\d)$/u.test(alg)) {
    throw bad(expected, `it is signed with ${show(expected, header['alg'])}, which proves nothing to another party`);
  }
  if (claims['iss'] !== expected.idpIssuer) throw bad(expected, `"iss" is ${show(expected, claims['iss'])}`);
  const audience = stringList(claims['aud']);
  if (audience?.length !== 1 || audience[0] !== expected.audience) {
    throw bad(
      expected,
      `"aud" is ${show(expected, claims['aud'])}, not the authorization server "${expected.audience}"`,
    );
  }
  if (claims['client_id'] !== expected.clientId) {
    const named = stringField(claims, 'client_id');
    throw named === undefined ? bad(expected, '"client_id" is missing') : otherClient(expected, show(expected, named));
  }
  for (const claim of ['sub', 'jti']) {
    if (!stringField(claims, claim)) throw bad(expected, `"${claim}" is missing`);
  }
  const expiresAtMs = Number(claims['exp']) * 1000;
  if (typeof claims['exp'] !== 'number' || !Number.isFinite(expiresAtMs)) throw bad(expected, '"exp" is missing');
  if (expiresAtMs + CLOCK_TOLERANCE_MS < expected.nowMs) throw bad(expected, 'it has expired already');
  if (typeof claims['iat'] !== 'number') throw bad(expected, '"iat" is missing');
  // one that the IdP had at hand may be older than its answer, and what is left then counts
  const lifetimeMs = Math.max(0, expiresAtMs - Math.max(claims['iat'] * 1000, expected.nowMs));
  const resources = claims['resource'] === undefined ? undefined : (stringList(claims['resource']) ?? []);
  if (resources && !resources.includes(expected.resource)) {
    throw bad(expected, `"resource" is ${show(expected, claims['resource'])}, not "${expected.resource}"`);
  }
  const confirmation = claims['cnf'];
  const bound = isJsonObject(confirmation) ? stringField(confirmation, 'jkt') : undefined;
  if (expected.thumbprint !== undefined && bound !== expected.thumbprint) {
    throw bad(expected, 'it is not bound to the DPoP key that the exchange proved', {
      remedy: `Ask whether the IdP binds ID-JAGs to a DPoP key (RFC 9449); if it does not, take servers.${expected.server}.dpop out.`,
    });
  }
  const scope = stringField(claims, 'scope');
  return {
    lifetimeMs,
    scopes: scope === undefined ? undefined : withoutSecrets(parseScopes(scope), expected.secrets ?? []),
    namesResource: resources !== undefined,
  };
}

function decode(jwt: string, expected: IdJagExpectation): { header: JsonObject; claims: JsonObject } {
  try {
    return { header: { ...decodeProtectedHeader(jwt) }, claims: decodeJwt(jwt) };
  } catch (cause) {
    throw bad(expected, 'it is not a signed JWT', { cause });
  }
}

function show({ secrets = [] }: IdJagExpectation, value: unknown): string {
  return identifier(value, { secrets });
}

/** Either side may have it wrong, and ours is the one that can be looked at now. */
function otherClient(expected: IdJagExpectation, named: string): CredenceError {
  const { server, clientId, idpIssuer } = expected;
  return new CredenceError({
    code: 'invalid_id_jag',
    leg: 'exchange',
    message: `The ID-JAG that ${idpIssuer} issued for server "${server}" was not sent on: "client_id" is ${named}, not "${clientId}".`,
    remedy: `Set servers.${server}.credential to the client that is registered at ${expected.audience}; if that is "${clientId}", ask the IdP's administrator to register it for this principal.`,
    contact: 'you',
    server,
    issuer: idpIssuer,
  });
}

function bad(
  expected: IdJagExpectation,
  why: string,
  { cause, remedy }: { cause?: unknown; remedy?: string } = {},
): CredenceError {
  return new CredenceError({
    code: 'invalid_id_jag',
    leg: 'exchange',
    message: `The ID-JAG that ${expected.idpIssuer} issued for server "${expected.server}" was not sent on: ${why}.`,
    remedy:
      remedy ??
      `Check the issuer, client id and resource of server "${expected.server}" here and in its registration at the IdP.`,
    contact: 'idp-admin',
    server: expected.server,
    issuer: expected.idpIssuer,
    cause,
  });
}
