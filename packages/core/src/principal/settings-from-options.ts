import { cleanText, normaliseScopes } from '@credence/protocol';
import type { ClientCredential } from '../credentials/credential.ts';
import { dpopKeys } from '../dpop/dpop-keys.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { NetworkTrust } from '@credence/protocol';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';
import { configuredUrl } from '../net/url-policy.ts';
import { ownToken } from '../subjects/own-token.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import { type IdpOptions, optionsSchema, type McpServerOptions, type ServicePrincipalOptions } from './options.ts';

export interface Settings {
  readonly idp: IdpSettings | undefined;
  readonly servers: ReadonlyMap<string, ServerSettings>;
}

/** Everything the user gave, checked; the first fault is a CredenceError of leg `configure` that names the option. */
export function settingsFromOptions(options: ServicePrincipalOptions): Settings {
  // it runs once in a process, and compiling the schema takes longer than walking it
  const parsed = optionsSchema.safeParse(options, { jitless: true });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    const more = parsed.error.issues.length > 1 ? ` (and ${parsed.error.issues.length - 1} more)` : '';
    throw wrong(
      `${path === '' ? 'The options' : path} ${sentence(issue?.message ?? 'is invalid')}${more}.`,
      `Correct ${path === '' ? 'the options of ServicePrincipal' : path}; see ServicePrincipalOptions.`,
    );
  }
  const network = options.network ?? {};
  const idp = options.idp && idpSettings(options.idp, network);
  const servers = new Map(
    Object.entries(options.servers).map(([name, server]) => [name, serverSettings(name, server, idp, network)]),
  );
  credentialsStayHome(idp, servers);
  if (options.store) subjectsAreNamed(idp, servers);
  return { idp, servers };
}

function idpSettings(options: IdpOptions, network: NetworkTrust): IdpSettings {
  const about = { leg: 'configure', contact: 'you' } as const;
  const url = configuredUrl(issuerText(options.issuer, 'idp.issuer'), { ...about, what: 'idp.issuer' }, network);
  if (options.tokenEndpoint !== undefined) {
    configuredUrl(options.tokenEndpoint, { ...about, what: 'idp.tokenEndpoint' }, network);
  }
  const { subject = ownToken(), credential, issuer, tokenEndpoint, actor, parameters } = options;
  sourceIssuer(subject, 'idp.subject', about, network);
  sourceIssuer(actor, 'idp.actor', about, network);
  return { issuer, url, credential, subject, tokenEndpoint, actor, parameters };
}

function serverSettings(
  name: string,
  options: McpServerOptions,
  idp: IdpSettings | undefined,
  network: NetworkTrust,
): ServerSettings {
  const at = `servers.${name}`;
  const about = { leg: 'configure', contact: 'you', server: name } as const;
  const url = configuredUrl(options.url, { ...about, what: `${at}.url` }, network);
  if (options.issuer !== 'discover') {
    configuredUrl(issuerText(options.issuer, `${at}.issuer`), { ...about, what: `${at}.issuer` }, network);
  }
  if (options.tokenEndpoint !== undefined) {
    configuredUrl(options.tokenEndpoint, { ...about, what: `${at}.tokenEndpoint` }, network);
  }
  sourceIssuer(options.assertion, `${at}.assertion`, about, network);
  const flow = options.flow ?? 'enterprise-managed';
  if (flow === 'enterprise-managed' && idp === undefined) {
    throw wrong(
      `${at} is to be reached through an IdP, but there is no idp.`,
      `Give idp, or write ${at}.flow: 'client-credentials' or 'workload-identity' if it is meant to go past one.`,
      name,
    );
  }
  if (flow === 'workload-identity' && options.assertion === undefined) {
    throw wrong(`${at}.assertion is missing.`, `Give ${at}.assertion: fromWorkloadToken(...) for that flow.`, name);
  }
  return {
    name,
    url,
    flow,
    issuer: options.issuer,
    credential: options.credential,
    scopes: options.scopes && normaliseScopes(options.scopes),
    stepUp: normaliseScopes(options.stepUp ?? []),
    resource: options.resource,
    audience: options.audience,
    tokenEndpoint: options.tokenEndpoint,
    authorizationDetails: options.authorizationDetails,
    assertion: options.assertion,
    missingResource: options.missingResource ?? 'warn',
    dpop: options.dpop && dpopKeys(options.dpop),
  };
}

/** `ownToken({ issuer })` sends a credential there, wherever the source is used. */
function sourceIssuer(
  source: SubjectTokenSource | undefined,
  option: string,
  about: { leg: 'configure'; contact: 'you'; server?: string },
  network: NetworkTrust,
): void {
  if (source?.issuer === undefined) return;
  const what = `${option} (ownToken({ issuer }))`;
  configuredUrl(issuerText(source.issuer, what), { ...about, what }, network);
}

/** RFC 8414 section 2: an issuer identifier has no query and no fragment. */
function issuerText(issuer: string, option: string): string {
  if (/[?#\s]/u.test(issuer)) {
    throw wrong(
      `${option} is no issuer identifier: "${cleanText(issuer, { max: 120 })}".`,
      `Give ${option} without query, fragment and spaces.`,
    );
  }
  return issuer;
}

/** One credential object under two issuers would be sent to both. */
function credentialsStayHome(idp: IdpSettings | undefined, servers: ReadonlyMap<string, ServerSettings>): void {
  const homes = new Map<ClientCredential, string>();
  const settle = (option: string, credential: ClientCredential | undefined, home: string, server?: string) => {
    if (credential === undefined) return;
    const known = homes.get(credential) ?? home;
    if (known !== home) {
      throw wrong(
        `${option} is the same object as the credential of another issuer.`,
        'Make one credential for each issuer: it must never be sent to one it was not registered with.',
        server,
      );
    }
    homes.set(credential, home);
  };
  const settleSource = (option: string, source: SubjectTokenSource | undefined, server?: string) =>
    settle(`The credential of ${option}`, source?.credential, source?.issuer ?? idp?.issuer ?? '', server);
  if (idp) {
    settle('idp.credential', idp.credential, idp.issuer);
    settleSource('idp.subject', idp.subject);
    settleSource('idp.actor', idp.actor);
  }
  for (const { name, credential, issuer, url, assertion } of servers.values()) {
    const home = issuer === 'discover' ? `discover ${url.origin}` : issuer;
    settle(`servers.${name}.credential`, credential, home, name);
    settleSource(`servers.${name}.assertion`, assertion, name);
  }
}

/**
 * In a store, tokens lie under what they were made from. A source that does not say whose tokens it gives would share the
 * entry with every other of its kind, and one user's access token would be given to another's bot.
 */
function subjectsAreNamed(idp: IdpSettings | undefined, servers: ReadonlyMap<string, ServerSettings>): void {
  const check = (option: string, source: SubjectTokenSource | undefined, server?: string) => {
    if (!source || source.identity) return;
    throw wrong(
      `${option} does not say whose tokens it gives, and the store is shared.`,
      `Give ${source.kind} an identity: the name of its subject, the same in every copy of the bot that stands for it.`,
      server,
    );
  };
  const entries = [...servers.values()];
  if (entries.some(({ flow }) => flow === 'enterprise-managed')) {
    check('idp.subject', idp?.subject);
    check('idp.actor', idp?.actor);
  }
  for (const { name, flow, assertion } of entries) {
    if (flow === 'workload-identity') check(`servers.${name}.assertion`, assertion, name);
  }
}

/** zod's messages, lower case at the start to stand behind the option's name. */
function sentence(message: string): string {
  const unkeyed = message.replace(/^Unrecognized keys?: /u, 'has an unknown option ');
  return unkeyed
    .replace(/^Invalid input: expected (.+), received undefined$/u, 'is missing ($1)')
    .replace(/^Invalid/u, 'is invalid');
}

function wrong(message: string, remedy: string, server?: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message,
    remedy,
    contact: 'you',
    server,
  });
}
