import { generateKeyPairSync } from 'node:crypto';
import { clientSecret, type Contact, type ErrorCode, fromIdToken, type Leg, privateKeyJwt } from '@credence/core';
import type { Sandbox } from '@credence/sandbox';
import { type BotOptions, rightOptions, withIdp, withoutParty, withServer } from './bot-options.ts';

/** One thing that is wrong, and what the person on call must read. */
export interface Mistake {
  readonly what: string;
  /** The server the bot is to reach. Default `issues`. */
  readonly server?: string;
  readonly options: (sandbox: Sandbox, deadOrigin: string) => BotOptions;
  /** Makes something wrong on the other side; what it returns puts it right again. */
  readonly elsewhere?: (sandbox: Sandbox) => () => void;
  readonly code: ErrorCode;
  readonly leg: Leg;
  readonly contact: Contact;
  /** The option to look at, or the thing to ask for. */
  readonly remedy: readonly string[];
  /** What the message must say beyond that. */
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
  return withIdp(rightOptions(sandbox), { credential });
}

function asCredential(sandbox: Sandbox, wrong: { clientId?: string; clientSecret?: string }): BotOptions {
  const { clientId, clientSecret: secret } = { ...sandbox.principals['reporting-bot'].servers.issues, ...wrong };
  return withServer(rightOptions(sandbox), 'issues', { credential: clientSecret({ clientId, secret }) });
}

function serverAt(sandbox: Sandbox, url: string): BotOptions {
  return withServer(rightOptions(sandbox), 'issues', { url });
}

const right = (sandbox: Sandbox) => rightOptions(sandbox);
const HOUR_MS = 3_600_000;
const clockOff = (ms: number) => (sandbox: Sandbox) => ({
  ...rightOptions(sandbox),
  clock: { wallMs: () => Date.now() + ms, monotonicMs: () => performance.now() },
});

/** What a person gets wrong, on their own side. */
export const OWN_MISTAKES: readonly Mistake[] = [
  {
    what: 'the IdP issuer has another host',
    options: (sandbox) =>
      withIdp(rightOptions(sandbox), { issuer: sandbox.idp.issuer.replace('127.0.0.1', 'localhost') }),
    code: 'issuer_mismatch',
    leg: 'discover',
    contact: 'you',
    remedy: ['idp.issuer'],
  },
  {
    what: 'the IdP issuer has a path too many',
    options: (sandbox) => withIdp(rightOptions(sandbox), { issuer: `${sandbox.idp.issuer}/tenant` }),
    code: 'metadata_not_found',
    leg: 'discover',
    contact: 'you',
    remedy: ['idp.issuer'],
  },
  {
    what: 'the IdP issuer has a trailing slash',
    options: (sandbox) => withIdp(rightOptions(sandbox), { issuer: `${sandbox.idp.issuer}/` }),
    code: 'issuer_mismatch',
    leg: 'discover',
    contact: 'you',
    remedy: ['idp.issuer', 'trailing slash'],
  },
  {
    what: 'the IdP issuer is a host that does not exist',
    options: (sandbox) => withIdp(rightOptions(sandbox), { issuer: 'https://idp.invalid' }),
    code: 'unreachable',
    leg: 'discover',
    contact: 'you',
    remedy: ['idp.issuer'],
    message: ['idp.invalid'],
  },
  {
    what: "the issuer of the server's authorization server is another one",
    options: (sandbox) =>
      withServer(rightOptions(sandbox), 'issues', { issuer: sandbox.authorizationServers.research.issuer }),
    code: 'issuer_mismatch',
    leg: 'discover',
    contact: 'you',
    remedy: ['servers.issues.issuer'],
  },
  {
    what: "the issuer of the server's authorization server has a trailing slash",
    options: (sandbox) =>
      withServer(rightOptions(sandbox), 'issues', { issuer: `${sandbox.authorizationServers.main.issuer}/` }),
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
    what: 'the MCP URL has a port where nothing listens',
    options: (sandbox, dead) => serverAt(sandbox, `${dead}/mcp`),
    code: 'unreachable',
    leg: 'discover',
    contact: 'server-owner',
    remedy: ['servers.issues.url'],
  },
  {
    what: 'the MCP URL is that of another server',
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
    what: 'the client assertion is for another audience',
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
    what: "the client secret of the server's authorization server is wrong",
    options: (sandbox) => asCredential(sandbox, { clientSecret: 'last-years-secret' }),
    code: 'invalid_client',
    leg: 'redeem',
    contact: 'server-owner',
    remedy: ['servers.issues.credential', 'secret'],
  },
  {
    what: "the IdP's client is used at the server's authorization server",
    options: (sandbox) => {
      const { clientId, privateKey, keyId } = sandbox.principals['reporting-bot'];
      const credential = privateKeyJwt({ clientId, key: privateKey, kid: keyId });
      return withServer(rightOptions(sandbox), 'issues', { credential });
    },
    code: 'invalid_id_jag',
    leg: 'exchange',
    contact: 'you',
    remedy: ['servers.issues.credential'],
    message: ['"reporting-bot"'],
  },
  {
    what: 'a scope is misspelt',
    options: (sandbox) => withServer(rightOptions(sandbox), 'issues', { scopes: ['issue:read'] }),
    code: 'invalid_scope',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['servers.issues.scopes', 'spelling'],
    message: ['"issue:read"'],
  },
  {
    what: 'our clock is an hour behind',
    options: clockOff(-HOUR_MS),
    code: 'invalid_client',
    leg: 'authenticate',
    contact: 'you',
    remedy: ['clock', 's ahead of ours'],
  },
  {
    what: 'the getter of the subject token returns garbage',
    options: (sandbox) => withIdp(rightOptions(sandbox), { subject: fromIdToken(() => '<html>Sign in</html>') }),
    code: 'invalid_grant',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['idp.subject'],
  },
  {
    what: 'the getter of the subject token returns nothing',
    options: (sandbox) => withIdp(rightOptions(sandbox), { subject: fromIdToken(() => '') }),
    code: 'credential_unavailable',
    leg: 'configure',
    contact: 'you',
    remedy: ['fromIdToken'],
  },
  {
    what: 'the getter of the subject token throws',
    options: (sandbox) =>
      withIdp(rightOptions(sandbox), {
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
    what: 'the token endpoint is pinned to a path that is not one',
    options: (sandbox) => withIdp(rightOptions(sandbox), { tokenEndpoint: `${sandbox.idp.issuer}/oauth/token` }),
    code: 'invalid_response',
    leg: 'authenticate',
    contact: 'you',
    remedy: ['idp.tokenEndpoint'],
    message: ['404'],
  },
  {
    what: 'the resource is pinned to another one',
    options: (sandbox) => withServer(rightOptions(sandbox), 'issues', { resource: 'https://issues.example/mcp' }),
    code: 'invalid_target',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['resource'],
  },
];

/** What was not granted, was taken back, or is down: nothing is wrong with the configuration. */
export const CONDITIONS_ELSEWHERE: readonly Mistake[] = [
  {
    what: 'the server was never granted to this bot',
    server: 'database',
    options: right,
    code: 'access_denied',
    leg: 'exchange',
    contact: 'idp-admin',
    remedy: ['Ask for', '"database"'],
  },
  {
    what: 'a scope that exists is not granted',
    options: (sandbox) => withServer(rightOptions(sandbox, 'triage-bot'), 'issues', { scopes: ['issues:write'] }),
    elsewhere: ({ policy }) => {
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
    what: 'the principal was disabled',
    options: (sandbox) => rightOptions(sandbox, 'retired-bot'),
    code: 'unauthorized_client',
    leg: 'authenticate',
    contact: 'idp-admin',
    remedy: ['disabled', 'client_credentials grant'],
  },
  {
    what: 'the server was paused at the IdP',
    options: right,
    elsewhere: ({ policy }) => {
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
    options: (sandbox, dead) => withoutParty(rightOptions(sandbox), sandbox.idp.issuer, dead),
    code: 'unreachable',
    leg: 'discover',
    contact: 'idp-admin',
    remedy: ['idp.issuer', 'up'],
  },
  {
    what: "the server's authorization server is down",
    options: (sandbox, dead) => withoutParty(rightOptions(sandbox), sandbox.authorizationServers.main.issuer, dead),
    code: 'unreachable',
    leg: 'discover',
    contact: 'server-owner',
    remedy: ['servers.issues.issuer', 'up'],
  },
  {
    what: 'the MCP server is down',
    options: (sandbox, dead) => withoutParty(rightOptions(sandbox), sandbox.servers.issues.url, dead),
    code: 'unreachable',
    leg: 'discover',
    contact: 'server-owner',
    remedy: ['servers.issues.url', 'up'],
  },
  {
    what: 'the MCP server is down, and its resource is pinned',
    options: (sandbox, dead) =>
      withoutParty(
        withServer(rightOptions(sandbox), 'issues', { resource: sandbox.servers.issues.resource }),
        sandbox.servers.issues.url,
        dead,
      ),
    code: 'unreachable',
    leg: 'call',
    contact: 'server-owner',
    remedy: ['servers.issues.url', 'up'],
  },
];
