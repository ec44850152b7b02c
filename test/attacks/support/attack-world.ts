import {
  clientSecret,
  type Contact,
  type CredenceError,
  type CredenceEvent,
  type ErrorCode,
  type IdpOptions,
  type Leg,
  type McpServerOptions,
  ServicePrincipal,
  type ServicePrincipalOptions,
} from '@credence/core';
import { expect } from '@jest/globals';
import { everythingShownBy } from '../../support/evidence.ts';
import { type OAuthWorld, startOAuthWorld, type WorldOptions } from '../../support/oauth-world.ts';
import { type Peer, type PeerAnswer, type PeerRequest, startPeer } from '../../support/peer.ts';

export interface BotOverrides {
  readonly idp?: Partial<IdpOptions>;
  readonly server?: Partial<McpServerOptions>;
  readonly principal?: Partial<ServicePrincipalOptions>;
}

export interface AttackWorld extends OAuthWorld {
  /** An MCP server at `/mcp` that accepts the authorization server's access tokens and names it in its metadata. */
  readonly mcp: Peer;
  readonly resource: string;
  /** A server of the attacker: responds to every request with 200 and `{}`, and records it. */
  readonly trap: Peer;
  readonly events: readonly CredenceEvent[];
  /** Creates a bot for `mcp`, which `close` of the world closes. */
  bot(overrides?: BotOverrides): ServicePrincipal;
  /** All secrets so far: client secrets, subject tokens, ID-JAGs, access tokens. */
  secrets(): readonly string[];
}

/** Starts an IdP, an authorization server, an MCP server and a server of an attacker on loopback. All behave well at first. */
export async function startAttackWorld(options?: WorldOptions): Promise<AttackWorld> {
  const world = await startOAuthWorld(options);
  const { idp, as, idpClient, asClient } = world;
  const trap = await startPeer({ '*': { body: {} } });
  const mcp = await startPeer({});
  const resource = `${mcp.origin}/mcp`;
  as.protect(resource);
  mcp.route('GET /.well-known/oauth-protected-resource/mcp', { body: resourceMetadata(resource, [as.issuer]) });
  mcp.route('POST /mcp', (request) => (as.verify(bearer(request)) ? jsonRpcResult() : unauthorized()));

  const events: CredenceEvent[] = [];
  const bots: ServicePrincipal[] = [];
  return {
    ...world,
    mcp,
    resource,
    trap,
    events,
    bot({ idp: idpOverrides, server, principal } = {}) {
      const bot = new ServicePrincipal({
        idp: {
          issuer: idp.issuer,
          credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? '' }),
          ...idpOverrides,
        },
        servers: {
          mcp: {
            url: resource,
            issuer: as.issuer,
            credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
            ...server,
          },
        },
        retry: { minDelayMs: 1, maxDelayMs: 2 },
        onEvent: (event) => void events.push(event),
        ...principal,
      });
      bots.push(bot);
      return bot;
    },
    secrets() {
      const subjectTokens = idp.script.received('exchange').map(({ form }) => form['subject_token'] ?? '');
      const clientSecrets = [idpClient.secret ?? '', asClient.secret ?? ''].flatMap((secret) => [
        secret,
        encodeURIComponent(secret),
        new URLSearchParams({ '': secret }).toString().slice(1),
      ]);
      return [...clientSecrets, ...subjectTokens, ...idp.issued, ...as.issued].filter((secret) => secret !== '');
    },
    async close() {
      await Promise.all(bots.map(async (bot) => bot.close()));
      await Promise.all([world.close(), mcp.close(), trap.close()]);
    },
  };
}

export function resourceMetadata(resource: string, issuers: readonly string[]): Record<string, unknown> {
  return { resource, authorization_servers: issuers };
}

export function jsonRpcResult(): PeerAnswer {
  return { body: { jsonrpc: '2.0', id: 1, result: {} } };
}

export function unauthorized(challenge = 'Bearer error="invalid_token"'): PeerAnswer {
  return { status: 401, headers: { 'www-authenticate': challenge } };
}

export function bearer({ headers }: PeerRequest): string {
  return headers.authorization?.replace(/^(?:Bearer|DPoP) /u, '') ?? '';
}

/** Calls a tool of the MCP server, with the request that an SDK's transport sends. */
export async function call(bot: ServicePrincipal, server = 'mcp', signal?: AbortSignal): Promise<Response> {
  return bot.fetchFor(server)(bot.server(server).url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } }),
    ...(signal && { signal }),
  });
}

/** Expects that no request to the trap contains a credential, a token or a secret. */
export function expectNoSecretSentTo(trap: Peer, world: AttackWorld): void {
  for (const { headers, body, query } of trap.requests) {
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('dpop');
    const sent = `${JSON.stringify(headers)} ${body} ${decodeURIComponent(body)} ${query.toString()}`;
    for (const secret of world.secrets()) expect(sent).not.toContain(secret);
    expect(sent).not.toMatch(/assertion|subject_token|client_secret/u);
  }
}

/**
 * Expects an error with this code, leg and contact, whose message and remedy are sentences without the peer's words, and
 * no secret in the error and the events.
 */
export function expectPlainError(
  error: CredenceError,
  expected: { code: ErrorCode; leg: Leg; contact: Contact },
  world: AttackWorld,
  peerWords: readonly string[] = [],
): void {
  expect(error).toMatchObject(expected);
  for (const sentence of [error.message, error.remedy]) {
    expect(sentence).toMatch(/^[\x20-\x7e]{10,600}\.$/u);
    for (const words of peerWords) expect(sentence).not.toContain(words);
  }
  const shown = everythingShownBy(error, world.events);
  for (const secret of world.secrets()) expect(shown).not.toContain(secret);
  // eslint-disable-next-line no-control-regex
  expect(JSON.stringify([error, world.events])).not.toMatch(/\\[rn]|\\u00|[\u0000-\u001f\u2028-\u202e\u2066-\u2069]/u);
}
