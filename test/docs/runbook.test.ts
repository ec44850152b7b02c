import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { ERROR_CODES } from '@credence/core';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8');
const [introduction = '', ...sections] = page.split(/^### /mu);
const codes = Object.entries(ERROR_CODES);

/** The lines of the shell blocks in a text. */
function shellIn(text: string): string[] {
  return [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gmu)].map(([, block = '']) => block);
}

const commands = [...new Set(sections.flatMap(shellIn).flatMap((block) => block.trim().split(/\n */u)))];

describe('docs/runbook.md', () => {
  it('has one section for each error code, in the order of the catalogue', () => {
    expect(sections.map((section) => /^`(\w+)`$/mu.exec(section)?.[1])).toEqual(codes.map(([code]) => code));
  });

  it.each(codes)('says for %s the symptom, the cause, a command and the person', (code, { contacts }) => {
    const section = sections.find((text) => text.startsWith(`\`${code}\`\n`)) ?? '';
    for (const field of ['Symptom', 'Cause', 'Person'])
      expect(section).toMatch(new RegExp(`^- \\*\\*${field}\\*\\*: \\S`, 'mu'));
    expect(shellIn(section).join('').trim()).not.toBe('');
    const person = /^- \*\*Person\*\*: ([\s\S]*)/mu.exec(section)?.[1] ?? '';
    const names = {
      you: /\b(?:You|you|Nobody)\b/u,
      'idp-admin': /administrator|operator/u,
      'server-owner': /owner|operator|administrator/u,
    };
    for (const contact of contacts) expect(person).toMatch(names[contact]);
  });
});

/** Whether every program that starts a command of a pipe is installed. */
function canRun(command: string): boolean {
  const programs = [...command.matchAll(/(?:^|[|;(] *)(curl|openssl|printenv|getent)\b/gu)].map(
    ([, name = '']) => name,
  );
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return programs.every((name) => folders.some((folder) => existsSync(join(folder, name))));
}

describe('a command of docs/runbook.md runs', () => {
  let folder: string;
  let sandbox: Sandbox;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'credence-'));
    sandbox = await startSandbox();
    const principal = sandbox.principals['reporting-bot'];
    const file = join(folder, 'key.pem');
    const audit = join(folder, 'audit.jsonl');
    writeFileSync(file, principal.privateKey);
    writeFileSync(
      audit,
      '{"outcome":"call-failed","code":"cancelled"}\n{"outcome":"call-failed","code":"request_too_large"}\n{"outcome":"refused","code":"timeout"}\n',
    );
    env = {
      ...process.env,
      ...principal.env,
      CREDENCE_SERVER_ISSUES_STEP_UP: 'issues:write',
      CREDENCE_SERVER_ISSUES_SCOPES: 'issues:read',
      SERVER: 'issues',
      URL: sandbox.servers.issues.url,
      ISSUER: sandbox.idp.issuer,
      FILE: file,
      AUDIT: audit,
      // In this repository the packages are TypeScript, and tsconfig.json names their folders.
      NODE_OPTIONS: '--import tsx',
    };
  });
  afterAll(async () => {
    await sandbox.close();
    rmSync(folder, { recursive: true });
  });

  const [, , metadata = '', diagnosis = ''] = ['', ...shellIn(introduction)];
  const definitionsFor = (command: string) => {
    if (command.startsWith('credence_diagnose')) return diagnosis.replace(/^ *credence_diagnose "\$SERVER"$/mu, '');
    return command.includes('_METADATA') ? metadata : '';
  };

  for (const command of commands) {
    // A machine may lack curl, openssl or another program of a command. CI installs them all.
    (canRun(command) ? it : it.skip)(command, async () => {
      // With pipefail, a program that `head` ends early would count as failed.
      const script = ['set -eo pipefail', definitionsFor(command), command.replaceAll(/ \| head .*$/gu, '')].join('\n');
      const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd: ROOT, env, timeout: 60_000 });
      expect(stdout).not.toMatch(/HTTP\/1\.1 404|not_found/u);
      if (command.startsWith('credence_diagnose')) expect(stdout).toContain('accepts this bot');
      if (command.includes('_METADATA')) expect(stdout).toMatch(/issuer|authorization_servers|grant_types/u);
    });
  }
});
