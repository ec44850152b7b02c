import { clientSecret, privateKeyJwt, ServicePrincipal, type ServicePrincipalOptions } from '@credence/core';
import { connectMcp as connectMcpV1 } from '@credence/sdk-adapter';
import { connectMcp as connectMcpV2 } from '@credence/sdk-adapter/v2';
import { type Addresses, SCOPE } from '../world/state.ts';
import { connectionOf } from './clients.ts';
import type { Contender } from './contender.ts';

const SERVER = 'bench';

export const credenceV1: Contender = {
  async connect(world) {
    const bot = principal(world);
    const client = await connectMcpV1(bot, SERVER);
    return connectionOf(client, () => closing(client, bot));
  },
};

/** Uses the 2025 revisions of MCP without negotiation, as the other contenders do. */
export const credenceV2: Contender = { connect: (world) => connectV2(world, 'legacy') };

/** Uses the default options: one more request detects the revision of the server. */
export const credenceV2Auto: Contender = { connect: (world) => connectV2(world, 'auto') };

/** A principal with the addresses and credentials of `world`, and default options otherwise. */
export function principal(world: Addresses, options: Partial<ServicePrincipalOptions> = {}): ServicePrincipal {
  return new ServicePrincipal({
    idp: {
      issuer: world.idp,
      credential: privateKeyJwt({ clientId: world.idpClient.clientId, key: world.idpClient.privateKey }),
    },
    servers: {
      [SERVER]: {
        url: world.mcp,
        issuer: world.as,
        credential: clientSecret({ clientId: world.asClient.clientId, secret: world.asClient.secret }),
        scopes: [SCOPE],
      },
    },
    ...options,
  });
}

async function connectV2(world: Addresses, mode: 'legacy' | 'auto'): ReturnType<Contender['connect']> {
  const bot = principal(world);
  const client = await connectMcpV2(bot, SERVER, { versionNegotiation: { mode } });
  return connectionOf(client, () => closing(client, bot));
}

async function closing(client: { close(): Promise<void> }, bot: ServicePrincipal): Promise<void> {
  await client.close();
  await bot.close();
}
