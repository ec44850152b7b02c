import { generateKeyPairSync } from 'node:crypto';
import { clientSecret, type Contact, type ErrorCode, fromIdToken, type Leg, privateKeyJwt } from '@credence/core';
import type { Sandbox } from '@credence/sandbox';
import { type BotOptions, validOptions, withIdp, withoutParty, withServer } from './bot-options.ts';

/** One mistake, and the error that it must cause. */
export interface Mistake {
  readonly what: string;
  /** The server that the bot calls. Default `issues`. */
  readonly server?: string;
  readonly options: (sandbox: Sandbox, deadOrigin: string) => BotOptions;
  /** Breaks something at another party. Returns a function that repairs it. */
  readonly breakOtherParty?: (sandbox: Sandbox) => () => void;
  readonly code: ErrorCode;
  readonly leg: Leg;
  readonly contact: Contact;
  /** Texts that the remedy must contain: the option to check, or what to request. */
  readonly remedy: readonly string[];
  /** Texts that the message must contain. */
  readonly message?: readonly string[];
}

function key(type: 'ec' | 'rsa'): string {
  const { privateKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function idpCredential(sandbox: Sandbox, wrong: Partial<Parameters<typeof privateKeyJwt>[0]>): BotOptions {
  const { clientId, privateKey, keyId } = sandbox.principals['reporting-bot'];
  const credential = privateKeyJwt({ clientId, key: privateKey, kid: keyId, ...wrong });
  return withIdp(validOptions(sandbox), { credential });
}

function asCredential(sandbox: Sandbox, wrong: { clientId?: string; clientSecret?: string }): BotOptions {
  const { clientId, clientSecret: secret } = { ...sandbox.principals['reporting-bot'].servers.issues, ...wrong };
  return withServer(validOptions(sandbox), 'issues', { credential: clientSecret({ clientId, secret }) });
}

function serverAt(sandbox: Sandbox, url: string): BotOptions {
  return withServer(validOptions(sandbox), 'issues', { url });
}

const valid = (sandbox: Sandbox) => validOptions(sandbox);
const DAY_MS = 24 * 3_600_000;
const clockOff = (ms: number) => (sandbox: Sandbox) => ({
  ...validOptions(sandbox),
  clock: { wallMs: () => Date.now() + ms, monotonicMs: () => performance.now() },
});

/** Mistakes in the configuration or the environment of the bot. */
export const OWN_MISTAKES: readonly Mistake[] = [
  {
    what: 'the IdP issuer has another host',
    options: (sandbox) =>
      withIdp(validOptions(sandbox), { issuer: sandbox.idp.issuer.replace('127.0.0.1', 'localhost') }),
    code: 'issuer_mismatch',
    leg: 'discover',
    contact: 'you',
    remedy: ['idp.issuer'],
  },
  {
    what: 'the IdP issuer has an additional path',
    options: (sandbox) => withIdp(validOptions(sandbox), { issuer: `${sandbox.idp.issuer}/tenant` }),
    code: 'metadata_not_found',
    leg: 'discover',
    contact: 'you',
    remedy: ['idp.issuer'],
  },
  {
    what: 'the IdP issuer has a trailing slash',
    options: (sandbox) => withIdp(validOptions(sandbox), { issuer: `${sandbox.idp.issuer}/` }),
    code: 'issuer_mismatch',
    leg: 'discover',
    contact: 'you',
    remedy: ['idp.issuer', 'trailing slash'],
  },
  {
    what: 'the IdP issuer is a host that does not exist',
    options: (sandbox) => withIdp(validOptions(sandbox), { issuer: 'https://idp.invalid' }),
    code: 'unreachable',
    leg: 'discover',
    contact: 'you',
    remedy: ['idp.issuer'],
    message: ['idp.invalid'],
  },
  {
    what: 'the issuer of the authorization server is that of another authorization server',
    options: (sandbox) =>
      withServer(validOptions(sandbox), 'issues', { issuer: sandbox.authorizationServers.research.issuer }),
    code: 'issuer_mismatch',
    leg: 'discover',
    contact: 'you',
    remedy: ['servers.issues.issuer'],
  },
  {
    what: 'the issuer of the authorization server has a trailing slash',
    options: (sandbox) =>
      withServer(validOptions(sandbox), 'issues', { issuer: `${sandbox.authorizationServers.main.issuer}/` }),
    code: 'issuer_mismatch',
    leg: 'discover',
    contact: 'you',
    remedy: ['servers.issues.issuer', 'trailing slash'],
  },
  {
    what: 'the MCP URL has a misspelt path',
    options: (sandbox) => serverAt(sandbox, sandbox.servers.issues.url.replace(/\/mcp$/u, '/mpc')),
    code: 'invalid_target',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['servers.issues.url'],
  },
  {
    what: 'no server listens at the port of the MCP URL',
    options: (sandbox, dead) => serverAt(sandbox, `${dead}/mcp`),
    code: 'unreachable',
    leg: 'discover',
    contact: 'server-owner',
    remedy: ['servers.issues.url'],
  },
  {
    what: 'the MCP URL is the URL of another server',
    options: (sandbox) => serverAt(sandbox, sandbox.servers.database.url),
    code: 'issuer_mismatch',
    leg: 'discover',
    contact: 'you',
    remedy: ['servers.issues.issuer', 'servers.issues.url'],
  },
  {
    what: 'the IdP does not know the client id',
    options: (sandbox) => idpCredential(sandbox, { clientId: 'reprting-bot' }),
    code: 'invalid_client',
    leg: 'authenticate',
    contact: 'idp-admin',
    remedy: ['idp.credential', 'client id', 'registered'],
    message: ['reprting-bot'],
  },
  {
    what: 'the key is not the registered one',
    options: (sandbox) => idpCredential(sandbox, { key: key('ec') }),
    code: 'invalid_client',
    leg: 'authenticate',
    contact: 'idp-admin',
    remedy: ['idp.credential', 'key'],
  },
  {
    what: 'the key is of another type than the registered one',
    options: (sandbox) => idpCredential(sandbox, { key: key('rsa') }),
    code: 'invalid_client',
    leg: 'authenticate',
    contact: 'idp-admin',
    remedy: ['idp.credential', 'key'],
  },
  {
    what: 'the kid is not the registered one',
    options: (sandbox) => idpCredential(sandbox, { kid: 'last-year' }),
    code: 'invalid_client',
    leg: 'authenticate',
    contact: 'idp-admin',
    remedy: ['idp.credential', 'kid'],
  },
  {
    what: 'the client assertion has another audience',
    options: (sandbox) => idpCredential(sandbox, { audience: 'https://idp.example' }),
    code: 'invalid_client',
    leg: 'authenticate',
    contact: 'idp-admin',
    remedy: ['idp.credential', 'audience'],
  },
  {
    what: 'the authorization server does not know the client id',
    options: (sandbox) => asCredential(sandbox, { clientId: 'nobody-at-main' }),
    code: 'invalid_id_jag',
    leg: 'exchange',
    contact: 'you',
    remedy: ['servers.issues.credential'],
    message: ['nobody-at-main'],
  },
  {
    what: 'the client secret for the authorization server is wrong',
    options: (sandbox) => asCredential(sandbox, { clientSecret: 'last-years-secret' }),
    code: 'invalid_client',
    leg: 'redeem',
    contact: 'you',
    remedy: ['servers.issues.credential', 'secret'],
  },
  {
    what: 'the client of the IdP is used at the authorization server',
    options: (sandbox) => {
      const { clientId, privateKey, keyId } = sandbox.principals['reporting-bot'];
      const credential = privateKeyJwt({ clientId, key: privateKey, kid: keyId });
      return withServer(validOptions(sandbox), 'issues', { credential });
    },
    code: 'invalid_id_jag',
    leg: 'exchange',
    contact: 'you',
    remedy: ['servers.issues.credential'],
    message: ['"reporting-bot"'],
  },
  {
    what: 'a scope is misspelt',
    options: (sandbox) => withServer(validOptions(sandbox), 'issues', { scopes: ['issue:read'] }),
    code: 'invalid_scope',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['servers.issues.scopes', 'spelling'],
    message: ['"issue:read"'],
  },
  {
    // A smaller difference is no mistake: assertions are signed by the clock of the IdP.
    what: 'the clock of the bot is two days behind',
    options: clockOff(-2 * DAY_MS),
    code: 'invalid_client',
    leg: 'authenticate',
    contact: 'you',
    remedy: ['clock', 's ahead of ours'],
  },
  {
    what: 'the subject token function returns a text that is not a token',
    options: (sandbox) => withIdp(validOptions(sandbox), { subject: fromIdToken(() => '<html>Sign in</html>') }),
    code: 'invalid_grant',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['idp.subject'],
  },
  {
    what: 'the subject token function returns an empty string',
    options: (sandbox) => withIdp(validOptions(sandbox), { subject: fromIdToken(() => '') }),
    code: 'credential_unavailable',
    leg: 'configure',
    contact: 'you',
    remedy: ['fromIdToken'],
  },
  {
    what: 'the subject token function throws',
    options: (sandbox) =>
      withIdp(validOptions(sandbox), {
        subject: fromIdToken(async () => {
          throw new Error('ENOENT: /var/run/secrets/token');
        }),
      }),
    code: 'credential_unavailable',
    leg: 'configure',
    contact: 'you',
    remedy: ['fromIdToken'],
  },
  {
    what: 'the option tokenEndpoint has a path that is not the token endpoint',
    options: (sandbox) => withIdp(validOptions(sandbox), { tokenEndpoint: `${sandbox.idp.issuer}/oauth/token` }),
    code: 'invalid_response',
    leg: 'authenticate',
    contact: 'you',
    remedy: ['idp.tokenEndpoint'],
    message: ['404'],
  },
  {
    what: 'the option resource is another resource',
    options: (sandbox) => withServer(validOptions(sandbox), 'issues', { resource: 'https://issues.example/mcp' }),
    code: 'invalid_target',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['resource'],
  },
];

/** Missing grants, disabled principals and servers that are down. The configuration of the bot is valid. */
export const CONDITIONS_AT_OTHER_PARTIES: readonly Mistake[] = [
  {
    what: 'the server was never granted to this bot',
    server: 'database',
    options: valid,
    code: 'access_denied',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['Ask for', '"database"'],
  },
  {
    what: 'an existing scope is not granted',
    options: (sandbox) => withServer(validOptions(sandbox, 'triage-bot'), 'issues', { scopes: ['issues:write'] }),
    breakOtherParty: ({ policy }) => {
      policy.revokeScope('triage-bot', 'issues', 'issues:write');
      return () => policy.grant('triage-bot', 'issues', ['issues:read', 'issues:write']);
    },
    code: 'invalid_scope',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['granted'],
    message: ['"issues:write"'],
  },
  {
    what: 'the principal is disabled',
    options: (sandbox) => validOptions(sandbox, 'retired-bot'),
    code: 'unauthorized_client',
    leg: 'authenticate',
    contact: 'idp-admin',
    remedy: ['disabled', 'client_credentials grant'],
  },
  {
    what: 'the server is paused at the IdP',
    options: valid,
    breakOtherParty: ({ policy }) => {
      policy.pauseServer('issues');
      return () => policy.resumeServer('issues');
    },
    code: 'access_denied',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['Ask', '"issues"', 'paused'],
  },
  {
    what: 'the IdP is down',
    options: (sandbox, dead) => withoutParty(validOptions(sandbox), sandbox.idp.issuer, dead),
    code: 'unreachable',
    leg: 'discover',
    contact: 'idp-admin',
    remedy: ['idp.issuer', 'up'],
  },
  {
    what: "the server's authorization server is down",
    options: (sandbox, dead) => withoutParty(validOptions(sandbox), sandbox.authorizationServers.main.issuer, dead),
    code: 'unreachable',
    leg: 'discover',
    contact: 'server-owner',
    remedy: ['servers.issues.issuer', 'up'],
  },
  {
    what: 'the MCP server is down',
    options: (sandbox, dead) => withoutParty(validOptions(sandbox), sandbox.servers.issues.url, dead),
    code: 'unreachable',
    leg: 'discover',
    contact: 'server-owner',
    remedy: ['servers.issues.url', 'up'],
  },
  {
    what: 'the MCP server is down, and the option resource is set',
    options: (sandbox, dead) =>
      withoutParty(
        withServer(validOptions(sandbox), 'issues', { resource: sandbox.servers.issues.resource }),
        sandbox.servers.issues.url,
        dead,
      ),
    code: 'unreachable',
    leg: 'call',
    contact: 'server-owner',
    remedy: ['servers.issues.url', 'up'],
  },
];
