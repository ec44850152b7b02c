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
  create(
    tenant: string,
    options?: Partial<ServicePrincipalOptions> & { readonly stepUp?: readonly string[] },
  ): ServicePrincipal;
  /** The tool calls that arrived with a valid token. */
  readonly calls: readonly TenantCall[];
  /** Empties `calls`. */
  forgetCalls(): void;
  /** Every token, ID-JAG and secret that was issued or used so far. */
  secrets(): readonly string[];
  close(): Promise<void>;
}

/** The tools of each server. `whose` answers with the tenant of the access token, and `write` needs the scope of a step-up. */
const TOOLS = ['whose', 'note'];

export interface TenantsWorldOptions {
  /** Servers that list their tools only to some tenants. Another one gets an empty list. */
  readonly only?: Readonly<Record<string, readonly string[]>>;
  readonly tools?: readonly string[];
  /** More members of the definitions of tools. */
  readonly define?: Readonly<Record<string, object>>;
  /** What a server waits for before it answers that a scope is missing. */
  readonly beforeChallenge?: () => Promise<unknown>;
}

/** Starts a world with these tenants and servers. Each tenant has its own clients at the IdP and at the authorization server. */
export async function startTenantsWorld(
  tenants: readonly string[],
  servers: readonly string[],
  options: TenantsWorldOptions = {},
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

  const tokenOf = (authorization = '') => as.verify(authorization.replace(/^Bearer /u, ''));
  const tenantOf = (authorization: string | undefined) =>
    tokenOf(authorization)?.clientId.replace(/-at-as$/u, '') ?? '';
  const mayWrite = (authorization: string | undefined) =>
    tokenOf(authorization)?.scopes.includes('tools:write') ?? false;

  const urls = await Promise.all(
    servers.map(async (server) => {
      const tools = (options.tools ?? TOOLS).map((tool) =>
        listed(tool, { description: `${tool} of ${server}`, ...options.define?.[tool] }),
      );
      const { url } = await langchain.serve({
        'tools/list': ({ http }) => {
          const isFor = options.only?.[server]?.includes(tenantOf(http.headers.authorization)) ?? true;
          return { result: { tools: isFor ? tools : [] } };
        },
        'tools/call': async ({ params, http }) => {
          const tenant = tenantOf(http.headers.authorization);
          if (params['name'] === 'write' && !mayWrite(http.headers.authorization)) {
            await options.beforeChallenge?.();
            const challenge = 'Bearer error="insufficient_scope", scope="tools:write"';
            return { http: { status: 403, headers: { 'www-authenticate': challenge } } };
          }
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
    forgetCalls: () => void calls.splice(0),
    create(tenant, { stepUp = ['tools:write'], ...more } = {}) {
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
            {
              url,
              resource: url,
              issuer: as.issuer,
              credential: credential('as'),
              scopes: ['tools:read'],
              stepUp,
            },
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
