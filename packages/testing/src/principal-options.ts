import {
  clientSecret,
  type ClientCredential,
  type McpServerOptions,
  noClientAuth,
  privateKeyJwt,
  type ServicePrincipalOptions,
} from '@credence/core';
import { checkConfiguredUrl } from '@credence/protocol';
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
        ...(Object.hasOwn(changes, server.name) && changes[server.name]),
      },
    ];
  });
  checkUrls(settings);
  return {
    idp: { issuer: settings.issuer, credential: credentialOf(client, `principals.${name}.key`) },
    servers: Object.fromEntries(servers),
    // A retry in a unit test does not wait, so that fake timers need not be advanced for it.
    retry: { minDelayMs: 0, maxDelayMs: 0 },
  };
}

/** The principal refuses such a URL too, but without the name of the option of fakeIdp. */
function checkUrls({ issuer, servers }: Settings): void {
  const urls = [...servers.values()].flatMap((server): [string, string][] => [
    [`servers.${server.name}.url`, server.url],
    [`servers.${server.name}.issuer`, server.issuer],
  ]);
  for (const [option, url] of [['issuer', issuer], ...urls] as const) {
    try {
      checkConfiguredUrl(option, url);
    } catch {
      throw invalid(
        `${option} is a URL that a principal refuses`,
        'Use an https URL without a user name. For a bot with network: { allowHttp: true }, use its own options with fetch and clock of the fake.',
      );
    }
  }
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
