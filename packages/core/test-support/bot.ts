import { type OAuthWorld, startOAuthWorld, type WorldOptions } from '../../../test/support/oauth-world.ts';
import { clientSecret } from '../src/credentials/client-secret.ts';
import type { CredenceEvent } from '../src/runtime/events.ts';
import type { IdpOptions, McpServerOptions, ServicePrincipalOptions } from '../src/principal/options.ts';
import { ServicePrincipal } from '../src/principal/service-principal.ts';

/** The resource identifier of the MCP server. No server listens there: the resource is pinned, so only IdP and AS get requests. */
export const RESOURCE = 'http://127.0.0.1:9/mcp';

export interface BotOptions {
  readonly world?: WorldOptions;
  readonly idp?: Partial<IdpOptions>;
  readonly server?: Partial<McpServerOptions>;
  /** False: the resource is discovered. Default true. */
  readonly pinResource?: boolean;
  readonly principal?: Partial<ServicePrincipalOptions>;
}

export interface Bot {
  readonly world: OAuthWorld;
  readonly bot: ServicePrincipal;
  readonly events: CredenceEvent[];
  /** The number of requests so far, for each endpoint. */
  readonly counts: () => Counts;
  close(): Promise<void>;
}

/** The number of requests that reached each endpoint. */
export interface Counts {
  readonly idpMetadata: number;
  readonly authenticate: number;
  readonly exchange: number;
  readonly asMetadata: number;
  readonly redeem: number;
}

/** The number of requests between two counts. */
export function countedBetween(before: Counts, after: Counts): Counts {
  return {
    idpMetadata: after.idpMetadata - before.idpMetadata,
    authenticate: after.authenticate - before.authenticate,
    exchange: after.exchange - before.exchange,
    asMetadata: after.asMetadata - before.asMetadata,
    redeem: after.redeem - before.redeem,
  };
}

/** Starts a scripted IdP and authorization server, which follow the protocol until a test scripts another answer, and a bot. */
export async function startBot(options: BotOptions = {}): Promise<Bot> {
  const world = await startOAuthWorld({
    ...options.world,
    as: { resources: [RESOURCE], ...options.world?.as },
  });
  const { idp, as, idpClient, asClient } = world;
  const events: CredenceEvent[] = [];
  const bot = new ServicePrincipal({
    idp: {
      issuer: idp.issuer,
      credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? 'none' }),
      ...options.idp,
    },
    servers: {
      mcp: {
        url: RESOURCE,
        ...(options.pinResource !== false && { resource: RESOURCE }),
        issuer: as.issuer,
        credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? 'none' }),
        ...options.server,
      },
    },
    retry: { minDelayMs: 1, maxDelayMs: 2 },
    onEvent: (event) => void events.push(event),
    ...options.principal,
  });
  return {
    world,
    bot,
    events,
    counts: () => ({
      idpMetadata: idp.script.count('metadata'),
      authenticate: idp.script.count('authenticate'),
      exchange: idp.script.count('exchange'),
      asMetadata: as.script.count('metadata'),
      redeem: as.script.count('redeem'),
    }),
    async close() {
      await bot.close();
      await world.close();
    },
  };
}
