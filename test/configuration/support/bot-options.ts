import {
  clientSecret,
  type IdpOptions,
  privateKeyJwt,
  type McpServerOptions,
  type ServicePrincipalOptions,
} from '@credence/core';
import type { Sandbox } from '@credence/sandbox';

export interface BotOptions extends ServicePrincipalOptions {
  idp: IdpOptions;
  servers: Record<string, McpServerOptions>;
}

/** The valid options of a principal of the sandbox, with short pauses between retries. */
export function validOptions(sandbox: Sandbox, name: keyof Sandbox['principals'] = 'reporting-bot'): BotOptions {
  const { clientId, privateKey, keyId, servers } = sandbox.principals[name];
  return {
    idp: { issuer: sandbox.idp.issuer, credential: privateKeyJwt({ clientId, key: privateKey, kid: keyId }) },
    servers: Object.fromEntries(
      Object.entries(servers).map(([server, { url, issuer, clientId, clientSecret: secret, scopes, stepUp }]) => [
        server,
        {
          url,
          issuer,
          credential: clientSecret({ clientId, secret }),
          ...(scopes && { scopes }),
          ...(stepUp && { stepUp }),
        },
      ]),
    ),
    retry: { minDelayMs: 1, maxDelayMs: 2 },
  };
}

export function withIdp(options: BotOptions, idp: Partial<IdpOptions>): BotOptions {
  return { ...options, idp: { ...options.idp, ...idp } };
}

export function withServer(options: BotOptions, name: string, server: Partial<McpServerOptions>): BotOptions {
  const valid = options.servers[name];
  if (!valid) throw new Error(`no server ${name}`);
  return { ...options, servers: { ...options.servers, [name]: { ...valid, ...server } } };
}

/** Sends requests for one origin to `dead`, as if that server were down. The configuration stays valid. */
export function withoutParty(options: BotOptions, url: string, dead: string): BotOptions {
  const { origin } = new URL(url);
  return {
    ...options,
    fetch: (input, init) => {
      const target = new URL(input);
      return fetch(target.origin === origin ? new URL(target.pathname, dead) : target, init);
    },
  };
}
