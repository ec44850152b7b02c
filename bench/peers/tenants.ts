import { clientSecret, ServicePrincipal } from '@credence/core';
import { principalPool } from '@credence/langchain';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { loadMcpTools } from '@langchain/mcp-adapters';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { TenantAddresses } from '../world/tenants.ts';

/** How the tools of a tenant are loaded. */
export interface TenantTools {
  readonly load: (tenant: string) => Promise<readonly DynamicStructuredTool[]>;
  readonly close: () => Promise<void>;
}

/** A pool with a principal for each tenant. */
export function pooled({ idp, as, servers }: TenantAddresses, tenants: number): TenantTools {
  const pool = principalPool({
    maxIdle: tenants,
    idleMs: 3_600_000,
    create(tenant) {
      const client = () => clientSecret({ clientId: tenant, secret: `secret of ${tenant}`, method: 'post' });
      const settings = { issuer: as, credential: client(), scopes: ['tools:call'] };
      return new ServicePrincipal({
        label: tenant,
        idp: { issuer: idp, credential: client() },
        servers: Object.fromEntries(Object.entries(servers).map(([name, url]) => [name, { url, ...settings }])),
      });
    },
  });
  return {
    async load(tenant) {
      const { tools, failures } = await pool.toolsFor({ context: { principal: tenant } });
      for (const { error } of failures) throw error;
      return tools;
    },
    close: pool.close,
  };
}

/**
 * A client of SDK v1 for each tenant and server, with a token that is there already, and the tools of mcp-adapters. Nothing renews a token,
 * connects again, or checks what a server sends.
 *
 * @param tokens for each tenant, one for each server
 */
export function plain({ servers }: TenantAddresses, tokens: Readonly<Record<string, readonly string[]>>): TenantTools {
  const clients: Client[] = [];
  return {
    async load(tenant) {
      const loading = Object.entries(servers).map(async ([name, url], at) => {
        const client = new Client({ name: 'bench', version: '1' });
        const headers = { authorization: `Bearer ${tokens[tenant]?.[at] ?? ''}` };
        await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
        clients.push(client);
        return loadMcpTools(name, client);
      });
      return (await Promise.all(loading)).flat();
    },
    close: async () => void (await Promise.all(clients.splice(0).map(async (client) => client.close()))),
  };
}
