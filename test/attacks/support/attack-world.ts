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
  /** An MCP server that takes the authorization server's tokens, at `/mcp`, and says so in its metadata. */
  readonly mcp: Peer;
  readonly resource: string;
  /** Answers everything with 200 and `{}`, and keeps what it was sent. */
  readonly trap: Peer;
  readonly events: readonly CredenceEvent[];
  /** A bot for `mcp`, closed with the world. */
  bot(overrides?: BotOverrides): ServicePrincipal;
  /** Everything that was secret so far: client secrets, subject tokens, ID-JAGs, access tokens. */
  secrets(): readonly string[];
}

/** A bot's whole surroundings on loopback, honest until a test says otherwise, and a trap for what goes astray. */
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

/** One call, as an SDK's transport makes it. */
export async function call(bot: ServicePrincipal, server = 'mcp', signal?: AbortSignal): Promise<Response> {
  return bot.fetchFor(server)(bot.server(server).url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } }),
    ...(signal && { signal }),
  });
}

/** The trap was sent nothing that authenticates anybody or stands for anything. */
export function expectNothingCaught(trap: Peer, world: AttackWorld): void {
  for (const { headers, body, query } of trap.requests) {
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('dpop');
    const sent = `${JSON.stringify(headers)} ${body} ${decodeURIComponent(body)} ${query.toString()}`;
    for (const secret of world.secrets()) expect(sent).not.toContain(secret);
    expect(sent).not.toMatch(/assertion|subject_token|client_secret/u);
  }
}

/** One error for a person: leg and contact, our own plain sentences, no secret in anything it or an event shows. */
export function expectForThePerson(
  error: CredenceError,
  expected: { code: ErrorCode; leg: Leg; contact: Contact },
  world: AttackWorld,
  theirWords: readonly string[] = [],
): void {
  expect(error).toMatchObject(expected);
  for (const sentence of [error.message, error.remedy]) {
    expect(sentence).toMatch(/^[\x20-\x7e]{10,600}\.$/u);
    for (const words of theirWords) expect(sentence).not.toContain(words);
  }
  const shown = everythingShownBy(error, world.events);
  for (const secret of world.secrets()) expect(shown).not.toContain(secret);
  // eslint-disable-next-line no-control-regex
  expect(JSON.stringify([error, world.events])).not.toMatch(/\\[rn]|\\u00|[\u0000-\u001f\u2028-\u202e\u2066-\u2069]/u);
}
