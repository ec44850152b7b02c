import { cleanText, invalidProxyVariable, normaliseScopes } from '@credence/protocol';
import type { ClientCredential } from '../credentials/credential.ts';
import { dpopKeys } from '../dpop/dpop-keys.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { NetworkTrust } from '@credence/protocol';
import { type CallLimits, DEFAULT_CALL_LIMITS, type IdpSettings, type ServerSettings } from '../settings/settings.ts';
import { checkedConfiguredUrl } from '../net/url-policy.ts';
import { ownToken } from '../subjects/own-token.ts';
import { checkParameters } from '../subjects/reserved-parameters.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import { type IdpOptions, optionsSchema, type McpServerOptions, type ServicePrincipalOptions } from './options.ts';

export interface Settings {
  readonly idp: IdpSettings | undefined;
  readonly servers: ReadonlyMap<string, ServerSettings>;
}

/**
 * Checks the options and returns the settings. Throws a CredenceError of the leg `configure` that names the first
 * invalid option.
 */
export function settingsFromOptions(options: ServicePrincipalOptions): Settings {
  // The check runs once in a process, and for that zod is faster without compiling the schema.
  const parsed = optionsSchema.safeParse(options, { jitless: true });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    const more = parsed.error.issues.length > 1 ? ` (and ${parsed.error.issues.length - 1} more)` : '';
    throw wrong(
      `${path === '' ? 'The options' : path} ${sentence(issue?.message ?? 'is invalid')}${more}.`,
      remedyFor(path, options),
    );
  }
  const network = options.network ?? {};
  const idp = options.idp && idpSettings(options.idp, network);
  const servers = new Map(
    Object.entries(options.servers).map(([name, server]) => [name, serverSettings(name, server, idp, options)]),
  );
  checkCredentialsBelongToOneIssuer(idp, servers);
  if (options.store && options.revokeOnClose === true) {
    throw wrong(
      'revokeOnClose is set together with store.',
      'Leave out revokeOnClose: other processes use the tokens in the store, and would lose them when one of them closes.',
    );
  }
  if (options.store) checkSourcesHaveIdentity(idp, servers);
  return { idp, servers };
}

function remedyFor(path: string, options: ServicePrincipalOptions): string {
  if (path === 'proxy' && options.proxy === 'environment' && options.fetch === undefined) {
    return `Correct the environment variable ${invalidProxyVariable()}, or leave out proxy.`;
  }
  return `Correct ${path === '' ? 'the options of ServicePrincipal' : path}; see ServicePrincipalOptions.`;
}

/** The parameters of the exchange that Credence sets, each with the option for its value. */
const EXCHANGE_PARAMETERS = {
  grant_type: undefined,
  requested_token_type: undefined,
  audience: 'servers.<name>.audience',
  resource: 'servers.<name>.resource',
  scope: 'servers.<name>.scopes',
  subject_token: 'idp.subject',
  subject_token_type: 'idp.subject',
  actor_token: 'idp.actor',
  actor_token_type: 'idp.actor',
  authorization_details: 'servers.<name>.authorizationDetails',
} as const;

function idpSettings(options: IdpOptions, network: NetworkTrust): IdpSettings {
  const about = { leg: 'configure', contact: 'you' } as const;
  const url = checkedConfiguredUrl(issuerText(options.issuer, 'idp.issuer'), { ...about, what: 'idp.issuer' }, network);
  if (options.tokenEndpoint !== undefined) {
    checkedConfiguredUrl(options.tokenEndpoint, { ...about, what: 'idp.tokenEndpoint' }, network);
  }
  const { subject = ownToken(), credential, issuer, tokenEndpoint, actor, parameters } = options;
  if (credential.clientId === '') throw withoutClientId('idp.credential');
  checkParameters('idp.parameters', parameters, EXCHANGE_PARAMETERS);
  checkSourceIssuer(subject, 'idp.subject', about, network);
  checkSourceIssuer(actor, 'idp.actor', about, network);
  return { issuer, url, credential, subject, tokenEndpoint, actor, parameters };
}

function serverSettings(
  name: string,
  options: McpServerOptions,
  idp: IdpSettings | undefined,
  { network = {}, limits }: ServicePrincipalOptions,
): ServerSettings {
  const at = `servers.${name}`;
  const about = { leg: 'configure', contact: 'you', server: name } as const;
  const url = checkedConfiguredUrl(options.url, { ...about, what: `${at}.url` }, network);
  if (options.issuer !== 'discover') {
    checkedConfiguredUrl(issuerText(options.issuer, `${at}.issuer`), { ...about, what: `${at}.issuer` }, network);
  }
  if (options.tokenEndpoint !== undefined) {
    checkedConfiguredUrl(options.tokenEndpoint, { ...about, what: `${at}.tokenEndpoint` }, network);
  }
  checkSourceIssuer(options.assertion, `${at}.assertion`, about, network);
  const flow = options.flow ?? 'enterprise-managed';
  if (flow === 'enterprise-managed' && idp === undefined) {
    throw wrong(
      `${at} has the flow "enterprise-managed", which needs an IdP, but idp is missing.`,
      `Set idp, or set ${at}.flow: 'client-credentials' or 'workload-identity' if its tokens are to be requested without an IdP.`,
      name,
    );
  }
  const unused = UNUSED_OPTIONS[flow].find((option) => options[option] !== undefined);
  if (unused !== undefined) {
    throw wrong(
      `${at}.${unused} has no effect with the flow "${flow}".`,
      `Remove ${at}.${unused}, or check ${at}.flow.`,
      name,
    );
  }
  if (flow !== 'workload-identity' && options.credential.clientId === '')
    throw withoutClientId(`${at}.credential`, name);
  if (flow === 'workload-identity' && options.assertion === undefined) {
    throw wrong(
      `${at}.assertion is missing.`,
      `Set ${at}.assertion: fromWorkloadToken(...) for the flow "workload-identity".`,
      name,
    );
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
    excessScopes: options.excessScopes ?? 'refuse',
    redeemScope: options.redeemScope ?? 'send',
    resourceParameter: options.resourceParameter ?? 'send',
    dpop: options.dpop && dpopKeys(options.dpop),
    limits: callLimits(options.limits, limits),
  };
}

/** The limits of the server; for those that it does not have, of the principal; and otherwise the defaults. */
function callLimits(server: Partial<CallLimits> = {}, principal: Partial<CallLimits> = {}): CallLimits {
  const limit = (name: keyof CallLimits) => server[name] ?? principal[name] ?? DEFAULT_CALL_LIMITS[name];
  return { bodyBytes: limit('bodyBytes'), eventBytes: limit('eventBytes'), requestBytes: limit('requestBytes') };
}

/** The options that a flow does not use. Setting one is an error, so that no option is dropped silently. */
const UNUSED_OPTIONS: Readonly<Record<ServerSettings['flow'], readonly (keyof McpServerOptions)[]>> = {
  'enterprise-managed': ['assertion'],
  'client-credentials': ['assertion', 'missingResource', 'redeemScope'],
  'workload-identity': ['missingResource', 'redeemScope'],
};

/** Checks the URL of `ownToken({ issuer })`, because a credential is sent to it. */
function checkSourceIssuer(
  source: SubjectTokenSource | undefined,
  option: string,
  about: { leg: 'configure'; contact: 'you'; server?: string },
  network: NetworkTrust,
): void {
  if (source?.issuer === undefined) return;
  const what = `${option} (ownToken({ issuer }))`;
  checkedConfiguredUrl(issuerText(source.issuer, what), { ...about, what }, network);
}

/** Returns the issuer identifier. Throws if it has a query or a fragment (RFC 8414 section 2) or a space. */
function issuerText(issuer: string, option: string): string {
  if (/[?#\s]/u.test(issuer)) {
    throw wrong(
      `${option} is not an issuer identifier: "${cleanText(issuer, { max: 120 })}".`,
      `Set ${option} without query, fragment and spaces.`,
    );
  }
  return issuer;
}

/** Throws if the same credential object is configured for two issuers, because it would be sent to both. */
function checkCredentialsBelongToOneIssuer(
  idp: IdpSettings | undefined,
  servers: ReadonlyMap<string, ServerSettings>,
): void {
  const issuers = new Map<ClientCredential, string>();
  const check = (option: string, credential: ClientCredential | undefined, issuer: string, server?: string) => {
    if (credential === undefined) return;
    const known = issuers.get(credential) ?? issuer;
    if (known !== issuer) {
      throw wrong(
        `${option} is the same object as the credential of another issuer.`,
        'Create one credential for each issuer: a credential must never be sent to an issuer it was not registered with.',
        server,
      );
    }
    issuers.set(credential, issuer);
  };
  const checkSource = (option: string, source: SubjectTokenSource | undefined, server?: string) =>
    check(`The credential of ${option}`, source?.credential, source?.issuer ?? idp?.issuer ?? '', server);
  if (idp) {
    check('idp.credential', idp.credential, idp.issuer);
    checkSource('idp.subject', idp.subject);
    checkSource('idp.actor', idp.actor);
  }
  for (const { name, credential, issuer, url, assertion } of servers.values()) {
    const credentialIssuer = issuer === 'discover' ? `discover ${url.origin}` : issuer;
    check(`servers.${name}.credential`, credential, credentialIssuer, name);
    checkSource(`servers.${name}.assertion`, assertion, name);
  }
}

/**
 * Throws if a source has no identity, which is part of the key of a token in the store. Two sources of the same kind without an
 * identity would have the same key, and the access token of one subject would be used for the other.
 */
function checkSourcesHaveIdentity(idp: IdpSettings | undefined, servers: ReadonlyMap<string, ServerSettings>): void {
  const check = (option: string, source: SubjectTokenSource | undefined, server?: string) => {
    if (!source || source.identity) return;
    throw wrong(
      `${option} has no identity, which is required with a store.`,
      `Set the identity of ${source.kind} to the name of its subject, the same in every process of the bot with that subject.`,
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

function withoutClientId(option: string, server?: string): CredenceError {
  return wrong(
    `${option} has no client id.`,
    `Set ${option} to a credential with a client id: only the flow "workload-identity" works without a client.`,
    server,
  );
}

/** The message of zod, changed so that it follows the name of the option in a sentence. */
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
