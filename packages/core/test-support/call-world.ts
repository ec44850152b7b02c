import { type Peer, type PeerRequest, type PeerRoute, startPeer } from '../../../test/support/peer.ts';
import { clientSecret } from '../src/credentials/client-secret.ts';
import type { McpServerOptions, ServicePrincipalOptions } from '../src/principal/options.ts';
import { ServicePrincipal } from '../src/principal/service-principal.ts';
import type { CredenceEvent } from '../src/runtime/events.ts';

/** A bot with the server `notes`, whose authorization server numbers its tokens from `token-1`. */
export interface CallWorld {
  readonly url: string;
  readonly bot: ServicePrincipal;
  readonly mcp: Peer;
  readonly as: Peer;
  readonly events: readonly CredenceEvent[];
  /** The events of one type. */
  readonly emitted: <Type extends CredenceEvent['type']>(type: Type) => Extract<CredenceEvent, { type: Type }>[];
  /** Sends a request through a new fetch of the server. */
  readonly send: (init?: RequestInit) => Promise<Response>;
  readonly tokensIssued: () => number;
  readonly close: () => Promise<void>;
}

export async function startCallWorld(
  answers: PeerRoute,
  server: Partial<McpServerOptions> = {},
  principal: Partial<ServicePrincipalOptions> = {},
): Promise<CallWorld> {
  let tokens = 0;
  const as = await startPeer({
    'POST /token': () => {
      tokens += 1;
      const type = server.dpop === undefined ? 'Bearer' : 'DPoP';
      return { body: { access_token: `token-${tokens}`, token_type: type, expires_in: 300 } };
    },
  });
  const mcp = await startPeer({ '*': answers });
  const url = `${mcp.origin}/mcp`;
  const events: CredenceEvent[] = [];
  const bot = new ServicePrincipal({
    onEvent: (event) => void events.push(event),
    servers: {
      notes: {
        flow: 'client-credentials',
        url,
        resource: url,
        issuer: as.origin,
        tokenEndpoint: `${as.origin}/token`,
        credential: clientSecret({ clientId: 'bot', secret: 'at-the-as' }),
        ...server,
      },
    },
    ...principal,
  });
  return {
    url,
    bot,
    mcp,
    as,
    events,
    emitted: (type) =>
      events.filter((event): event is Extract<CredenceEvent, { type: typeof type }> => event.type === type),
    send: async (init = { method: 'POST', body: '{}' }) => bot.fetchFor('notes')(url, init),
    tokensIssued: () => as.received('POST /token').length,
    async close() {
      await bot.close();
      await Promise.all([as.close(), mcp.close()]);
    },
  };
}

export function tokenOf({ headers }: PeerRequest): string {
  return headers.authorization?.replace(/^(?:Bearer|DPoP) /u, '') ?? '';
}
