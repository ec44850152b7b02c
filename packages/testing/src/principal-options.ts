import {
  clientSecret,
  type ClientCredential,
  type McpServerOptions,
  noClientAuth,
  privateKeyJwt,
  type ServicePrincipalOptions,
} from '@credence/core';
import { invalid } from './settings/check.ts';
import type { ClientSettings, PrincipalSettings, Settings } from './settings/settings.ts';

/** The options with which `ServicePrincipal` acts as this principal. */
export function principalOptions(
  settings: Settings,
  { name, client }: PrincipalSettings,
  changes: Readonly<Record<string, Partial<McpServerOptions>>> = {},
): ServicePrincipalOptions {
  const unknown = Object.keys(changes).find((server) => !settings.servers.has(server));
  if (unknown !== undefined) throw invalid(`options("${name}") names the server "${unknown}", which is not in servers`);
  const servers = [...settings.servers.values()].map((server): [string, McpServerOptions] => {
    const atServer = server.clients.get(name);
    if (atServer === undefined) throw invalid(`${name} has no client at the server ${server.name}`);
    const { url, issuer, audience } = server;
    return [
      server.name,
      {
        url,
        issuer,
        credential: credentialOf(atServer, `principals.${name}.clients.${server.name}.key`),
        ...(audience !== issuer && { audience }),
        ...changes[server.name],
      },
    ];
  });
  return {
    idp: { issuer: settings.issuer, credential: credentialOf(client, `principals.${name}.key`) },
    servers: Object.fromEntries(servers),
    // A retry in a unit test does not wait, so that fake timers need not be advanced for it.
    retry: { minDelayMs: 0, maxDelayMs: 0 },
  };
}

function credentialOf({ clientId, secret, publicKey, privateKey }: ClientSettings, option: string): ClientCredential {
  if (secret !== undefined) return clientSecret({ clientId, secret });
  if (privateKey !== undefined) return privateKeyJwt({ clientId, key: privateKey });
  if (publicKey === undefined) return noClientAuth({ clientId });
  throw invalid(
    `${option} is a public key, with which options() cannot sign`,
    'Give the private key, or use the options of your own bot with fetch and clock of the fake.',
  );
}
