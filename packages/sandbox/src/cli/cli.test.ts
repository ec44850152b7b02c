import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SandboxAuditRecord } from '../audit/audit-trail.ts';
import type { Sandbox } from '../sandbox.ts';
import { startSandbox } from '../start-sandbox.ts';
import { auditLine } from './audit-line.ts';
import { checkPrincipals, readArguments } from './arguments.ts';
import { exportLines, quoted } from './exports.ts';
import { invocation } from './invocation.ts';
import { commandsText, describeSandbox, overview } from './overview.ts';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});

afterAll(async () => {
  await sandbox.close();
});

describe('readArguments', () => {
  it('reads all options, and leaves out those that are not given', () => {
    expect(readArguments([])).toEqual({
      help: false,
      json: false,
      config: undefined,
      principal: undefined,
      env: undefined,
      latencyMs: undefined,
      singleUseIdJags: undefined,
      command: undefined,
    });
    const all = ['--env', 'triage-bot', '--json', '--latency', '20', '--single-use', '--config', 'world.json'];
    expect(readArguments([...all, '--', 'node', 'bot.js', '--json', '--', 'x'])).toEqual({
      help: false,
      principal: undefined,
      env: 'triage-bot',
      json: true,
      latencyMs: 20,
      singleUseIdJags: true,
      config: 'world.json',
      command: ['node', 'bot.js', '--json', '--', 'x'],
    });
  });

  it.each([
    [['--principal', 'nobody'], /no principal "nobody"\. Use one of: some-bot/u],
    [['--latency', 'soon'], /milliseconds/u],
    [['--verbose'], /--verbose/u],
    [['serve'], /serve/u],
    [['--env', 'some-bot', '--'], /no command/u],
    [['--', 'node'], /--env says as which principal/u],
  ])('refuses %j with an error message', (argv, why) => {
    expect(() => checkPrincipals(readArguments(argv), ['some-bot'])).toThrow(why);
  });
});

describe('invocation', () => {
  it('is the command with which this program was started', () => {
    expect(invocation('/repo/packages/sandbox/src/main.ts', {})).toBe('npm run --silent sandbox --');
    const installed = '/home/a b/node_modules/.bin/credence-sandbox';
    expect(invocation(installed, { npm_lifecycle_event: 'npx' })).toBe('npx @credence/sandbox');
    expect(invocation(installed, {})).toBe(`node '${installed}'`);
  });

  it('is part of the commands that the overview prints, with a file of variables', () => {
    const envFiles = new Map([["it's-bot", "/tmp/x/it's-bot.env"]]);
    expect(commandsText({ invocation: 'npx @credence/sandbox', envFiles }).split('\n')).toEqual([
      "To run a program as it's-bot with these servers, in another terminal:",
      String.raw`  . '/tmp/x/it'\''s-bot.env' && node your-program.js`,
      'To start servers for one program only:',
      String.raw`  npx @credence/sandbox --env 'it'\''s-bot' -- node your-program.js`,
      '',
      '',
    ]);
    expect(quoted('reporting-bot')).toBe('reporting-bot');
  });
});

describe('exportLines', () => {
  it('writes lines from which a shell restores the same values', async () => {
    const env = { ...sandbox.principals['reporting-bot'].env, CREDENCE_TRICKY: 'it\'s $HOME `date` "and" \\ more' };
    const names = Object.keys(env);
    const script = `${exportLines(env)}${process.execPath} -p 'JSON.stringify(process.env)'`;
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script], { env: {} });
    const restored = JSON.parse(stdout) as Record<string, string>;
    expect(Object.fromEntries(names.map((name) => [name, restored[name]]))).toEqual(env);
  });

  it('gets all variables that a principal needs from the env of the sandbox', () => {
    const { issues, database } = sandbox.principals['reporting-bot'].servers;
    expect(sandbox.principals['reporting-bot'].env).toEqual({
      CREDENCE_IDP_ISSUER: sandbox.idp.issuer,
      CREDENCE_IDP_CLIENT_ID: 'reporting-bot',
      CREDENCE_IDP_PRIVATE_KEY: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----\n/u),
      CREDENCE_SERVERS: 'issues,documents,database',
      CREDENCE_SERVER_ISSUES_URL: issues.url,
      CREDENCE_SERVER_ISSUES_ISSUER: issues.issuer,
      CREDENCE_SERVER_ISSUES_CLIENT_ID: issues.clientId,
      CREDENCE_SERVER_ISSUES_CLIENT_SECRET: issues.clientSecret,
      CREDENCE_SERVER_ISSUES_STEP_UP: 'issues:write',
      CREDENCE_SERVER_DOCUMENTS_URL: sandbox.servers.documents.url,
      CREDENCE_SERVER_DOCUMENTS_ISSUER: issues.issuer,
      CREDENCE_SERVER_DOCUMENTS_CLIENT_ID: issues.clientId,
      CREDENCE_SERVER_DOCUMENTS_CLIENT_SECRET: issues.clientSecret,
      CREDENCE_SERVER_DATABASE_URL: database.url,
      CREDENCE_SERVER_DATABASE_ISSUER: sandbox.authorizationServers.research.issuer,
      CREDENCE_SERVER_DATABASE_CLIENT_ID: database.clientId,
      CREDENCE_SERVER_DATABASE_CLIENT_SECRET: database.clientSecret,
    });
    expect(database.issuer).not.toBe(issues.issuer);
  });
});

describe('overview', () => {
  it('shows all URLs and the grants of each principal, and no secret', () => {
    const text = overview(sandbox);
    expect(text).toContain(sandbox.idp.issuer);
    expect(text).toMatch(/create_issue +issues:write/u);
    expect(text).toMatch(
      /reporting-bot +in analysts\n +issues +issues:read \(on request: issues:write\)\n +documents/u,
    );
    expect(text).toMatch(/retired-bot +disabled, in analysts/u);
    const everything = `${text}${JSON.stringify(describeSandbox(sandbox))}`;
    for (const { privateKey, secretClient, servers } of Object.values(sandbox.principals)) {
      const secrets = [privateKey.split('\n')[1] ?? '', secretClient.clientSecret];
      for (const secret of [...secrets, ...Object.values(servers).map(({ clientSecret }) => clientSecret)]) {
        expect(secret).not.toBe('');
        expect(everything).not.toContain(secret);
      }
    }
  });

  it('shows only the principal that is given', () => {
    expect(describeSandbox(sandbox, 'triage-bot').principals).toMatchObject([
      { name: 'triage-bot', enabled: true, grants: { issues: { default: ['issues:read', 'issues:write'] } } },
    ]);
    expect(overview(sandbox, 'triage-bot')).not.toContain('analytics-bot');
  });
});

describe('auditLine', () => {
  const record: SandboxAuditRecord = {
    time: '2026-11-20T10:20:30.456Z',
    where: 'idp',
    leg: 'exchange',
    issuer: 'http://127.0.0.1:1',
    principal: 'reporting-bot',
    server: 'database',
    requestedScopes: [],
    grantedScopes: [],
    granted: false,
    error: 'access_denied',
    reason: 'Not granted.',
  };

  it('contains the time, the server, the leg, the outcome, the principal, the target and the reason', () => {
    expect(auditLine(record, false)).toBe(
      '10:20:30  idp exchange     denied   reporting-bot -> database [access_denied]  Not granted.',
    );
    const authentication = {
      ...record,
      leg: 'authenticate',
      server: undefined,
      granted: true,
      error: undefined,
      reason: 'Proven.',
    } as const;
    expect(auditLine(authentication, false)).toBe('10:20:30  idp authenticate granted  reporting-bot  Proven.');
  });

  it('contains colour codes only if colours are requested', () => {
    expect(auditLine(record, true)).toContain('\u001b[31mdenied');
    expect(auditLine(record, false)).not.toContain('\u001b');
  });
});
