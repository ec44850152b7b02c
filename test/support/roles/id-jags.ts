import type { VerifyIdJagOptions } from '@credence/authorization-server';
import {
  base64url,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
  SignJWT,
} from 'jose';

export const IDP = 'https://idp.example';
export const AS = 'https://as.example';
export const RESOURCE = 'https://mcp.example/mcp';
export const NOW = new Date('2026-11-20T12:00:00Z');
export const NOW_S = NOW.getTime() / 1000;
export const THUMBPRINT = 'a'.repeat(43);

type Claims = Record<string, unknown>;
type Pair = { publicKey: CryptoKey; privateKey: CryptoKey };

/** Makes ID-JAGs of an issuer with three published keys. `stranger` is a key that is not published. */
export class IdJags {
  readonly es256: Pair;
  readonly ed25519: Pair;
  readonly rs256: Pair;
  readonly stranger: Pair;
  readonly jwks: JSONWebKeySet;

  private constructor(pairs: { es256: Pair; ed25519: Pair; rs256: Pair; stranger: Pair }, jwks: JSONWebKeySet) {
    this.es256 = pairs.es256;
    this.ed25519 = pairs.ed25519;
    this.rs256 = pairs.rs256;
    this.stranger = pairs.stranger;
    this.jwks = jwks;
  }

  static async create(): Promise<IdJags> {
    const [es256, stranger, ed25519, rs256] = await Promise.all([
      generateKeyPair('ES256'),
      generateKeyPair('ES256'),
      generateKeyPair('EdDSA'),
      generateKeyPair('RS256'),
    ]);
    const published = async (pair: Pair, more: Partial<JWK>) => ({ ...(await exportJWK(pair.publicKey)), ...more });
    const keys = [
      await published(es256, { kid: 'es', alg: 'ES256' }),
      await published(ed25519, { kid: 'ed', alg: 'EdDSA' }),
      await published(rs256, { kid: 'rs', alg: 'RS256' }),
    ];
    return new IdJags({ es256, ed25519, rs256, stranger }, { keys });
  }

  /** A valid ID-JAG with some claims replaced; undefined removes a claim. */
  sign(
    claims: Claims = {},
    header: Partial<JWSHeaderParameters> = {},
    key: CryptoKey | Uint8Array = this.es256.privateKey,
  ): Promise<string> {
    const all = Object.fromEntries(Object.entries({ ...goodClaims(), ...claims }).filter(([, v]) => v !== undefined));
    return new SignJWT(all)
      .setProtectedHeader({ alg: 'ES256', kid: 'es', typ: 'oauth-id-jag+jwt', ...header })
      .sign(key, { crit: { 'urn:example': true } });
  }

  /** Options of `verifyIdJag` that accept a valid ID-JAG. */
  options(more: Partial<VerifyIdJagOptions> = {}): VerifyIdJagOptions {
    return {
      issuers: { [IDP]: { jwks: this.jwks } },
      audience: AS,
      clientId: 'bot-at-as',
      resources: [RESOURCE],
      now: () => NOW,
      ...more,
    };
  }
}

export function goodClaims(): Claims {
  return {
    iss: IDP,
    sub: 'bot-7',
    aud: AS,
    client_id: 'bot-at-as',
    jti: 'jti-1',
    iat: NOW_S - 10,
    exp: NOW_S + 290,
    resource: RESOURCE,
    scope: 'issues:read issues:write',
  };
}

/** Replaces the header of a signed ID-JAG without signing it again. */
export function withHeader(assertion: string, header: object): string {
  const [, payload, signature] = assertion.split('.');
  return `${base64url.encode(JSON.stringify(header))}.${payload}.${signature}`;
}
