import { clientAssertion } from '../credentials/client-assertion.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import type { ClientCredential } from '../credentials/credential.ts';
import { noClientAuth } from '../credentials/no-client-auth.ts';
import { privateKeyJwt } from '../credentials/private-key-jwt.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { IDP_FIELDS, misspeltVariable, SERVER_FIELDS } from './misspelt-variable.ts';
import type { IdpOptions, McpServerOptions, ServicePrincipalOptions } from './options.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The options that `ServicePrincipal.fromEnv` reads from environment variables. A program can add options that no variable can
 * express, such as a DPoP key. The IdP: `CREDENCE_IDP_ISSUER`, `CREDENCE_IDP_CLIENT_ID` and one of `..._PRIVATE_KEY`,
 * `..._PRIVATE_KEY_FILE`, `..._CLIENT_SECRET`, `..._CLIENT_SECRET_FILE`, `..._CLIENT_ASSERTION_FILE`. The servers:
 * `CREDENCE_SERVERS` with the names, and for each NAME (in upper case, with `_` for `-` and `.`) `CREDENCE_SERVER_NAME_URL`,
 * `_ISSUER`, `_CLIENT_ID`, a credential as for the IdP, and optionally `_SCOPES`, `_STEP_UP`, `_FLOW`, `_RESOURCE`, `_AUDIENCE`,
 * `_EXCESS_SCOPES`, `_REDEEM_SCOPE`, `_RESOURCE_PARAMETER`.
 * Without `CREDENCE_IDP_ISSUER`, the `CONDUCTORONE_*` variables of C1 configure the IdP. Throws `invalid_configuration`.
 */
export function optionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
): Pick<ServicePrincipalOptions, 'idp' | 'servers'> {
  const names = words(env['CREDENCE_SERVERS']);
  if (!names) throw unset('CREDENCE_SERVERS', 'the names of the MCP servers, separated by commas');
  for (const [index, name] of names.entries()) {
    const duplicate = names.slice(0, index).find((other) => prefixOf(other) === prefixOf(name));
    if (duplicate !== undefined) {
      throw wrong(
        `CREDENCE_SERVERS contains "${duplicate}" and "${name}", which would have the same variables (${prefixOf(name)}...).`,
        'Choose names that differ in more than case and punctuation.',
      );
    }
  }
  refuseMisspelt(env, IDP_PREFIX, IDP_FIELDS);
  for (const name of names) refuseMisspelt(env, prefixOf(name), SERVER_FIELDS);
  const idp = idpFromEnv(env);
  const servers: Record<string, McpServerOptions> = Object.fromEntries(
    names.map((name) => [name, serverFromEnv(env, name)]),
  );
  const throughIdp = names.find((name) => (servers[name]?.flow ?? 'enterprise-managed') === 'enterprise-managed');
  if (!idp && throughIdp !== undefined) {
    throw unset(
      'CREDENCE_IDP_ISSUER',
      `the issuer of the IdP for the server "${throughIdp}" (or CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET)`,
    );
  }
  return { ...(idp && { idp }), servers };
}

const IDP_PREFIX = 'CREDENCE_IDP_';

function refuseMisspelt(env: Env, prefix: string, fields: readonly string[]): void {
  const found = misspeltVariable(env, prefix, fields);
  if (found) throw wrong(`${found.variable} is not a variable of Credence.`, `Did you mean ${found.correct}?`);
}

function prefixOf(name: string): string {
  return `CREDENCE_SERVER_${name.toUpperCase().replace(/[^A-Z0-9]/gu, '_')}_`;
}

function idpFromEnv(env: Env): IdpOptions | undefined {
  const prefix = IDP_PREFIX;
  const issuer = valueOf(env[`${prefix}ISSUER`]);
  if (issuer === undefined) return conductorOneFromEnv(env);
  const tokenEndpoint = valueOf(env[`${prefix}TOKEN_ENDPOINT`]);
  return { issuer, credential: credentialFromEnv(env, prefix), ...(tokenEndpoint !== undefined && { tokenEndpoint }) };
}

/**
 * The IdP from the variables of C1. The client id contains the domain of the tenant. The secret is sent by
 * `client_secret_post`.
 */
function conductorOneFromEnv(env: Env): IdpOptions | undefined {
  const clientId = valueOf(env['CONDUCTORONE_CLIENT_ID']);
  const secret = valueOf(env['CONDUCTORONE_CLIENT_SECRET']);
  if (clientId === undefined || secret === undefined) return undefined;
  const domain = valueOf(env['CONDUCTORONE_TENANT_DOMAIN']) ?? /@([^/]+)\//u.exec(clientId)?.[1];
  const issuer = valueOf(env['CONDUCTORONE_SERVER_URL']) ?? (domain === undefined ? undefined : `https://${domain}`);
  if (issuer === undefined)
    throw unset('CONDUCTORONE_TENANT_DOMAIN', 'the domain of the tenant, which the client id does not contain');
  return { issuer, credential: clientSecret({ clientId, secret, method: 'post' }) };
}

function serverFromEnv(env: Env, name: string): McpServerOptions {
  const prefix = prefixOf(name);
  const required = (field: string, what: string) => {
    const value = valueOf(env[prefix + field]);
    if (value === undefined) throw unset(prefix + field, what);
    return value;
  };
  const optional = {
    scopes: words(env[`${prefix}SCOPES`]),
    stepUp: words(env[`${prefix}STEP_UP`]),
    resource: valueOf(env[`${prefix}RESOURCE`]),
    audience: valueOf(env[`${prefix}AUDIENCE`]),
    tokenEndpoint: valueOf(env[`${prefix}TOKEN_ENDPOINT`]),
  };
  const excessScopes = oneOf(env, `${prefix}EXCESS_SCOPES`, ['refuse', 'accept']);
  const redeemScope = oneOf(env, `${prefix}REDEEM_SCOPE`, ['send', 'omit']);
  const resourceParameter = oneOf(env, `${prefix}RESOURCE_PARAMETER`, ['send', 'omit']);
  const flow = valueOf(env[`${prefix}FLOW`]);
  if (flow !== undefined && flow !== 'enterprise-managed' && flow !== 'client-credentials') {
    throw wrong(
      `${prefix}FLOW is neither "enterprise-managed" nor "client-credentials".`,
      'Leave it out to use the IdP; "workload-identity" needs a token source and can only be configured in code.',
    );
  }
  return {
    url: required('URL', `the URL of the MCP server "${name}"`),
    issuer: required('ISSUER', `the issuer of its authorization server, or "discover"`),
    credential: credentialFromEnv(env, prefix, name),
    ...(optional.scopes && { scopes: optional.scopes }),
    ...(optional.stepUp && { stepUp: optional.stepUp }),
    ...(optional.resource !== undefined && { resource: optional.resource }),
    ...(optional.audience !== undefined && { audience: optional.audience }),
    ...(optional.tokenEndpoint !== undefined && { tokenEndpoint: optional.tokenEndpoint }),
    ...(excessScopes !== undefined && { excessScopes }),
    ...(redeemScope !== undefined && { redeemScope }),
    ...(resourceParameter !== undefined && { resourceParameter }),
    ...(flow !== undefined && { flow }),
  };
}

function oneOf<const Value extends string>(env: Env, variable: string, values: readonly Value[]): Value | undefined {
  const text = valueOf(env[variable]);
  const value = values.find((each) => each === text);
  if (text === undefined || value !== undefined) return value;
  throw wrong(
    `${variable} is neither ${values.map((each) => `"${each}"`).join(' nor ')}.`,
    `Set it to one of them, or leave it out.`,
  );
}

function credentialFromEnv(env: Env, prefix: string, server?: string): ClientCredential {
  const clientId = valueOf(env[`${prefix}CLIENT_ID`]);
  if (clientId === undefined) throw unset(`${prefix}CLIENT_ID`, 'the client id at that issuer');
  const credentials = {
    PRIVATE_KEY: (value: string) => privateKey(clientId, value, valueOf(env[`${prefix}KEY_ID`])),
    PRIVATE_KEY_FILE: (file: string) => privateKey(clientId, { file }, valueOf(env[`${prefix}KEY_ID`])),
    CLIENT_SECRET: (secret: string) => clientSecret({ clientId, secret, method: secretMethod(env, prefix) }),
    CLIENT_SECRET_FILE: (file: string) =>
      clientSecret({ clientId, secret: { file }, method: secretMethod(env, prefix) }),
    CLIENT_ASSERTION_FILE: (file: string) => clientAssertion({ clientId, assertion: { file } }),
  };
  const [first, second] = Object.entries(credentials).filter(([name]) => valueOf(env[prefix + name]) !== undefined);
  if (first && second) {
    throw wrong(
      `${prefix}${first[0]} and ${prefix}${second[0]} are both set.`,
      'Set only the one that is registered at that issuer.',
    );
  }
  if (!first) {
    if (valueOf(env[`${prefix}AUTH_METHOD`]) === 'none') return noClientAuth({ clientId });
    throw unset(
      `${prefix}PRIVATE_KEY, ${prefix}CLIENT_SECRET (or either with _FILE) or ${prefix}CLIENT_ASSERTION_FILE`,
      `the credential of the client (or ${prefix}AUTH_METHOD=none for a public client)`,
    );
  }
  const [name, make] = first;
  const variable = prefix + name;
  try {
    return { ...make(valueOf(env[variable]) ?? ''), variable };
  } catch (error) {
    const isKeyError = isCredenceError(error) && ['invalid_key', 'credential_unavailable'].includes(error.code);
    throw isKeyError ? withVariable(variable, error, server) : error;
  }
}

/** The error with the name of the variable in the message, and with the server that the variable belongs to. */
function withVariable(variable: string, error: CredenceError, server: string | undefined): CredenceError {
  const { code, leg, message, remedy, contact } = error;
  return new CredenceError({
    code,
    leg,
    message: `${variable}: ${message}`,
    remedy,
    contact,
    server,
    cause: error.cause,
  });
}

function secretMethod(env: Env, prefix: string): 'basic' | 'post' {
  const method = valueOf(env[`${prefix}AUTH_METHOD`]);
  if (method === undefined || method === 'client_secret_basic') return 'basic';
  if (method === 'client_secret_post') return 'post';
  throw wrong(
    `${prefix}AUTH_METHOD is not a method to send a secret.`,
    'Use client_secret_basic or client_secret_post.',
  );
}

function privateKey(clientId: string, key: string | { file: string }, kid: string | undefined): ClientCredential {
  return privateKeyJwt({ clientId, key, ...(kid !== undefined && { kid }) });
}

function words(value: string | undefined): string[] | undefined {
  const list = value?.split(/[\s,]+/u).filter((word) => word !== '');
  return list && list.length > 0 ? list : undefined;
}

function valueOf(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === '' ? undefined : text;
}

function unset(variable: string, what: string): CredenceError {
  return wrong(`${variable} is not set.`, `Set it: ${what}.`);
}

function wrong(message: string, remedy: string): CredenceError {
  return new CredenceError({ code: 'invalid_configuration', leg: 'configure', message, remedy, contact: 'you' });
}
