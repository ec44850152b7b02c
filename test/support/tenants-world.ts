import { clientSecret, ServicePrincipal, type ServicePrincipalOptions } from '@credence/core';
import { startLangchainWorld, type LangchainWorld, listed } from './langchain-world.ts';

/** A tool call that a server received. */
export interface TenantCall {
  readonly server: string;
  readonly tool: string;
  /** The tenant whose access token the call had. */
  readonly tenant: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Tenants with a bot each, and MCP servers that know by the access token which tenant calls. */
export interface TenantsWorld {
  readonly langchain: LangchainWorld;
  /** A new principal of a tenant, for all servers. Throws for an unknown tenant. */
  create(tenant: string, options?: Partial<ServicePrincipalOptions>): ServicePrincipal;
  /** The tool calls that arrived with a valid token. */
  readonly calls: readonly TenantCall[];
  /** Every token, ID-JAG and secret that was issued or used so far. */
  secrets(): readonly string[];
  close(): Promise<void>;
}

/** The tools of each server. `whose` answers with the tenant of the access token. */
const TOOLS = ['whose', 'note'];

/**
 * Starts a world with these tenants and servers. Each tenant has its own clients at the IdP and at the authorization server.
 *
 * @param options.only servers that list their tools only to some tenants; another one gets an empty list
 */
export async function startTenantsWorld(
  tenants: readonly string[],
  servers: readonly string[],
  options: { only?: Readonly<Record<string, readonly string[]>>; tools?: readonly string[] } = {},
): Promise<TenantsWorld> {
  const langchain = await startLangchainWorld();
  const { idp, as } = langchain.oauth;
  const calls: TenantCall[] = [];
  const subjectTokens: string[] = [];
  const client = (tenant: string, at: 'idp' | 'as') => ({
    clientId: `${tenant}-at-${at}`,
    secret: `secret-of-${tenant}-at-${at}`,
  });
  for (const tenant of tenants) {
    idp.clients.register(client(tenant, 'idp'));
    as.clients.register(client(tenant, 'as'));
  }
  const clientIds = tenants.map((tenant) => [client(tenant, 'idp').clientId, client(tenant, 'as').clientId]);
  idp.trust({ issuer: as.issuer, clientIds: Object.fromEntries(clientIds) as Record<string, string> });

  function tenantOf(authorization: string | undefined): string {
    const { clientId = '' } = as.verify(authorization?.replace(/^Bearer /u, '') ?? '') ?? {};
    return clientId.replace(/-at-as$/u, '');
  }

  const urls = await Promise.all(
    servers.map(async (server) => {
      const tools = (options.tools ?? TOOLS).map((tool) => listed(tool, { description: `${tool} of ${server}` }));
      const { url } = await langchain.serve({
        'tools/list': ({ http }) => {
          const isFor = options.only?.[server]?.includes(tenantOf(http.headers.authorization)) ?? true;
          return { result: { tools: isFor ? tools : [] } };
        },
        'tools/call': async ({ params, http }) => {
          const tenant = tenantOf(http.headers.authorization);
          calls.push({ server, tool: String(params['name']), tenant, args: { ...(params['arguments'] as object) } });
          // So that calls of several runs are in flight together.
          await new Promise((resolve) => setTimeout(resolve, 2));
          return { result: { content: [{ type: 'text', text: tenant }] } };
        },
      });
      as.protect(url);
      return [server, url] as const;
    }),
  );

  /** Remembers the subject tokens too, which the IdP does not list. */
  const recording: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = input instanceof Request ? input.url : input.toString();
    if (response.ok && url === idp.tokenEndpoint) {
      const { access_token: token } = (await response.clone().json()) as { access_token?: string };
      if (token !== undefined) subjectTokens.push(token);
    }
    return response;
  };

  return {
    langchain,
    calls,
    create(tenant, more) {
      if (!tenants.includes(tenant)) throw new Error(`unknown tenant ${tenant}`);
      const credential = (at: 'idp' | 'as') => clientSecret(client(tenant, at));
      const bot = new ServicePrincipal({
        label: tenant,
        idp: { issuer: idp.issuer, credential: credential('idp') },
        retry: { retries: 0 },
        fetch: recording,
        servers: Object.fromEntries(
          urls.map(([name, url]) => [
            name,
            { url, resource: url, issuer: as.issuer, credential: credential('as'), scopes: ['tools:read'] },
          ]),
        ),
        ...more,
      });
      langchain.onClose(async () => bot.close());
      return bot;
    },
    secrets: () => [
      ...subjectTokens,
      ...idp.issued,
      ...as.issued,
      ...tenants.flatMap((tenant) => [client(tenant, 'idp').secret, client(tenant, 'as').secret]),
    ],
    close: async () => langchain.close(),
  };
}
