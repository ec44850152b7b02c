import { parseJsonObject } from '@credence/protocol';
import { clientAssertion } from '../credentials/client-assertion.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import type { ClientCredential } from '../credentials/credential.ts';
import { noClientAuth } from '../credentials/no-client-auth.ts';
import { privateKeyJwt } from '../credentials/private-key-jwt.ts';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { SigningKeyInput } from '../credentials/signing-key.ts';
import { IDP_FIELDS, misspeltVariable, SERVER_FIELDS } from './misspelt-variable.ts';
import type { IdpOptions, McpServerOptions, ServicePrincipalOptions } from './options.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * What `ServicePrincipal.fromEnv` starts from, for a program that adds to it what variables cannot say, such as a DPoP key:
 * `CREDENCE_IDP_ISSUER`, `CREDENCE_IDP_CLIENT_ID` and one of `..._PRIVATE_KEY`, `..._PRIVATE_KEY_FILE`, `..._CLIENT_SECRET`,
 * `..._CLIENT_ASSERTION_FILE`; `CREDENCE_SERVERS` with the names, and for each NAME (upper case, `-` and `.` as `_`)
 * `CREDENCE_SERVER_NAME_URL`, `_ISSUER`, `_CLIENT_ID`, a credential as above, and optionally `_SCOPES`, `_STEP_UP`, `_FLOW`,
 * `_RESOURCE`, `_AUDIENCE`. Without a Credence IdP, C1's `CONDUCTORONE_*` are used. Throws `invalid_configuration`.
 */
export function optionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
): Pick<ServicePrincipalOptions, 'idp' | 'servers'> {
  const names = words(env['CREDENCE_SERVERS']);
  if (!names) throw unset('CREDENCE_SERVERS', 'the names of the MCP servers, separated by commas');
  for (const [index, name] of names.entries()) {
    const twin = names.slice(0, index).find((other) => prefixOf(other) === prefixOf(name));
    if (twin !== undefined) {
      throw wrong(
        `CREDENCE_SERVERS names "${twin}" and "${name}", whose variables would be the same (${prefixOf(name)}...).`,
        'Give the servers names that differ in more than case and punctuation.',
      );
    }
  }
  refuseMisspelt(env, IDP_PREFIX, IDP_FIELDS);
  for (const name of names) refuseMisspelt(env, prefixOf(name), SERVER_FIELDS);
  const idp = idpFromEnv(env);
  const servers: Record<string, McpServerOptions> = Object.fromEntries(
    names.map((name) => [name, serverFromEnv(env, name)]),
  );
  const through = names.find((name) => (servers[name]?.flow ?? 'enterprise-managed') === 'enterprise-managed');
  if (!idp && through !== undefined) {
    throw unset(
      'CREDENCE_IDP_ISSUER',
      `the IdP through which "${through}" is reached (or CONDUCTORONE_CLIENT_ID and CONDUCTORONE_CLIENT_SECRET)`,
    );
  }
  return { ...(idp && { idp }), servers };
}

const IDP_PREFIX = 'CREDENCE_IDP_';

function refuseMisspelt(env: Env, prefix: string, fields: readonly string[]): void {
  const found = misspeltVariable(env, prefix, fields);
  if (found) throw wrong(`${found.variable} is no variable of Credence.`, `Did you mean ${found.meant}?`);
}

function prefixOf(name: string): string {
  return `CREDENCE_SERVER_${name.toUpperCase().replace(/[^A-Z0-9]/gu, '_')}_`;
}

function idpFromEnv(env: Env): IdpOptions | undefined {
  const prefix = IDP_PREFIX;
  const issuer = filled(env[`${prefix}ISSUER`]);
  if (issuer === undefined) return conductorOneFromEnv(env);
  const tokenEndpoint = filled(env[`${prefix}TOKEN_ENDPOINT`]);
  return { issuer, credential: credentialFromEnv(env, prefix), ...(tokenEndpoint !== undefined && { tokenEndpoint }) };
}

/** C1's own variables: the client id carries the tenant, the secret may be posted as it is. */
function conductorOneFromEnv(env: Env): IdpOptions | undefined {
  const clientId = filled(env['CONDUCTORONE_CLIENT_ID']);
  const secret = filled(env['CONDUCTORONE_CLIENT_SECRET']);
  if (clientId === undefined || secret === undefined) return undefined;
  const domain = filled(env['CONDUCTORONE_TENANT_DOMAIN']) ?? /@([^/]+)\//u.exec(clientId)?.[1];
  const issuer = filled(env['CONDUCTORONE_SERVER_URL']) ?? (domain === undefined ? undefined : `https://${domain}`);
  if (issuer === undefined) throw unset('CONDUCTORONE_TENANT_DOMAIN', 'the tenant, which the client id does not name');
  return { issuer, credential: clientSecret({ clientId, secret, method: 'post' }) };
}

function serverFromEnv(env: Env, name: string): McpServerOptions {
  const prefix = prefixOf(name);
  const required = (field: string, what: string) => {
    const value = filled(env[prefix + field]);
    if (value === undefined) throw unset(prefix + field, what);
    return value;
  };
  const optional = {
    scopes: words(env[`${prefix}SCOPES`]),
    stepUp: words(env[`${prefix}STEP_UP`]),
    resource: filled(env[`${prefix}RESOURCE`]),
    audience: filled(env[`${prefix}AUDIENCE`]),
    tokenEndpoint: filled(env[`${prefix}TOKEN_ENDPOINT`]),
  };
  const flow = filled(env[`${prefix}FLOW`]);
  if (flow !== undefined && flow !== 'enterprise-managed' && flow !== 'client-credentials') {
    throw wrong(
      `${prefix}FLOW is neither "enterprise-managed" nor "client-credentials".`,
      'Leave it out for the way through the IdP; a workload identity needs a token source and is configured in code.',
    );
  }
  return {
    url: required('URL', `the URL of the MCP server "${name}"`),
    issuer: required('ISSUER', `the issuer of its authorization server, or "discover"`),
    credential: credentialFromEnv(env, prefix),
    ...(optional.scopes && { scopes: optional.scopes }),
    ...(optional.stepUp && { stepUp: optional.stepUp }),
    ...(optional.resource !== undefined && { resource: optional.resource }),
    ...(optional.audience !== undefined && { audience: optional.audience }),
    ...(optional.tokenEndpoint !== undefined && { tokenEndpoint: optional.tokenEndpoint }),
    ...(flow !== undefined && { flow }),
  };
}

function credentialFromEnv(env: Env, prefix: string): ClientCredential {
  const clientId = filled(env[`${prefix}CLIENT_ID`]);
  if (clientId === undefined) throw unset(`${prefix}CLIENT_ID`, 'the client id there');
  const ways = {
    PRIVATE_KEY: (value: string) => privateKey(clientId, value, filled(env[`${prefix}KEY_ID`])),
    PRIVATE_KEY_FILE: (file: string) => privateKey(clientId, { file }, filled(env[`${prefix}KEY_ID`])),
    CLIENT_SECRET: (secret: string) => clientSecret({ clientId, secret, method: secretMethod(env, prefix) }),
    CLIENT_SECRET_FILE: (file: string) =>
      clientSecret({ clientId, secret: { file }, method: secretMethod(env, prefix) }),
    CLIENT_ASSERTION_FILE: (file: string) => clientAssertion({ clientId, assertion: { file } }),
  };
  const given = Object.entries(ways).filter(([name]) => filled(env[prefix + name]) !== undefined);
  const [first, second] = given;
  if (first && second) {
    throw wrong(
      `${prefix}${first[0]} and ${prefix}${second[0]} are both set.`,
      'Set the one that is registered there.',
    );
  }
  if (!first) {
    if (filled(env[`${prefix}AUTH_METHOD`]) === 'none') return noClientAuth({ clientId });
    throw unset(
      `${prefix}PRIVATE_KEY, ${prefix}CLIENT_SECRET (or either with _FILE) or ${prefix}CLIENT_ASSERTION_FILE`,
      `what the client proves itself with (or ${prefix}AUTH_METHOD=none for a public client)`,
    );
  }
  const [name, make] = first;
  try {
    return make(filled(env[prefix + name]) ?? '');
  } catch (error) {
    const isOfTheKey = isCredenceError(error) && ['invalid_key', 'credential_unavailable'].includes(error.code);
    throw isOfTheKey ? ofVariable(prefix + name, error) : error;
  }
}

/** What is wrong with a key, said of the variable it came from. */
function ofVariable(variable: string, error: CredenceError): CredenceError {
  const { code, leg, message, remedy, contact } = error;
  return new CredenceError({ code, leg, message: `${variable}: ${message}`, remedy, contact });
}

function secretMethod(env: Env, prefix: string): 'basic' | 'post' {
  const method = filled(env[`${prefix}AUTH_METHOD`]);
  if (method === undefined || method === 'client_secret_basic') return 'basic';
  if (method === 'client_secret_post') return 'post';
  throw wrong(`${prefix}AUTH_METHOD is not a way to send a secret.`, 'Use client_secret_basic or client_secret_post.');
}

/** PEM or a JWK; line breaks may be written as \n, as many secret stores do. */
function privateKey(clientId: string, value: string | { file: string }, kid: string | undefined): ClientCredential {
  const key = typeof value === 'string' ? keyText(value) : value;
  return privateKeyJwt({ clientId, key, ...(kid !== undefined && { kid }) });
}

function keyText(value: string): SigningKeyInput {
  return value.startsWith('{') ? (parseJsonObject(value) ?? value) : value.replaceAll('\\n', '\n');
}

function words(value: string | undefined): string[] | undefined {
  const list = value?.split(/[\s,]+/u).filter((word) => word !== '');
  return list && list.length > 0 ? list : undefined;
}

function filled(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === '' ? undefined : text;
}

function unset(variable: string, what: string): CredenceError {
  return wrong(`${variable} is not set.`, `Set it: ${what}.`);
}

function wrong(message: string, remedy: string): CredenceError {
  return new CredenceError({ code: 'invalid_configuration', leg: 'configure', message, remedy, contact: 'you' });
}
