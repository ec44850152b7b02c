import { generateKeyPairSync } from 'node:crypto';
import { type FetchLike, ServicePrincipal, type ServicePrincipalOptions } from '@credence/core';
import type { AnswerEdit } from '@credence/testing';
import { type JWTPayload, SignJWT } from 'jose';
import { type CannedAnswer, type Peer, type PeerRequest, startPeer } from '../../../test/support/peer.ts';

/** Hosts of vendors, served by one server on loopback: the first part of its paths is the host of the request. */
export interface Vendor {
  /** Sends every request to the server on loopback. */
  readonly fetch: FetchLike;
  /** A principal that uses this fetch. `close` closes it. */
  principal(options: ServicePrincipalOptions): ServicePrincipal;
  /** Sets the answer for `host/path`. An array is used one answer after the other. */
  answer(url: string, ...answers: (CannedAnswer | ((request: PeerRequest) => CannedAnswer))[]): void;
  /** Sets the document at `host/path`. */
  document(url: string, body: object): void;
  /** The forms that were posted to `host/path`. */
  forms(url: string): readonly Readonly<Record<string, string>>[];
  requests(url: string): readonly PeerRequest[];
  close(): Promise<void>;
}

export const MCP_URL = 'https://mcp.example/mcp';

/** Serves the metadata of an MCP server whose authorization server is `issuer`. */
export async function startVendor(issuer: string): Promise<Vendor> {
  const peer: Peer = await startPeer({
    '/mcp.example/.well-known/oauth-protected-resource/mcp': {
      body: { resource: MCP_URL, authorization_servers: [issuer] },
    },
    '*': { status: 404 },
  });
  const path = (url: string) => `POST /${url.replace(/^https:\/\//u, '')}`;
  const principals: ServicePrincipal[] = [];
  const routed: FetchLike = async (input, init) => {
    const { host, pathname, search } = new URL(input instanceof Request ? input.url : input);
    return fetch(`${peer.origin}/${host}${pathname}${search}`, init);
  };
  return {
    fetch: routed,
    principal(options) {
      const principal = new ServicePrincipal({ fetch: routed, ...options });
      principals.push(principal);
      return principal;
    },
    answer: (url, ...answers) => peer.route(path(url), answers),
    document: (url, body) => peer.route(path(url).replace('POST', 'GET'), { body }),
    forms: (url) => peer.received(path(url)).map(({ form }) => form),
    requests: (url) => peer.received(path(url)),
    async close() {
      await Promise.all(principals.map((principal) => principal.close()));
      await peer.close();
    },
  };
}

/** A complete answer of the token endpoint, from the members that a vendor adds to a success. */
export function success(edit: AnswerEdit, members: Readonly<Record<string, unknown>> = {}): CannedAnswer {
  return { body: { access_token: 'an-access-token', token_type: 'Bearer', ...edit.members, ...members } };
}

const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** An ID-JAG as an IdP issues it. A client does not verify its signature. */
export async function idJag(claims: JWTPayload): Promise<string> {
  return new SignJWT({ jti: 'id-jag-1', ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(signer.privateKey);
}

/** A JWT of a platform. */
export async function platformToken(audience: string): Promise<string> {
  return new SignJWT({ sub: 'job' })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer('https://platform.example')
    .setAudience(audience)
    .setExpirationTime('5m')
    .sign(signer.privateKey);
}
